/* An SMTP server for benchmarks: STARTTLS on many addresses from one process, as fast as OpenSSL lets it.
 *
 * bulk_server HOSTS LEAVES CHAIN [LOG]
 *
 * HOSTS has a line "ADDRESS PORT NAME MANNER" for each host; MANNER is "serve", "late" (the greeting comes after
 * LATE_MS), "moody" (late, but for STORM_MS after a SIGUSR1 everyone is turned away with 421), "stalls" (nothing is said
 * after the TLS handshake) or "silent" (connections are taken and never answered). Hosts of one address stand next to
 * each other; they have the manner of the first, and a client gets the certificate of the name that it asks for, or the
 * first one's. LEAVES has the certificate and the key of each host in the same order, CHAIN the certificates that follow
 * each of them; both are PEM. It prints "listening" and serves until it is killed. No mail is taken.
 *
 * LOG gets a line "TIME NUMBER open ADDRESS", "TIME NUMBER name NAME" or "TIME NUMBER close" for each connection, name
 * asked for and end; TIME is CLOCK_MONOTONIC in seconds, of "open" that at which the kernel had the connection, NUMBER
 * tells connections apart. A connection is logged as closed before QUIT is answered, so before the client can know that
 * it is over: whoever waits for its end is never seen too early.
 */

#define _GNU_SOURCE /* accept4 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

enum { EVENTS = 256, LINE = 1024, BACKLOG = 4096, LATE_MS = 300, STORM_MS = 4000 };

enum manner { SERVE, LATE, MOODY, STALLS, SILENT };

static const char *const manners[] = {"serve", "late", "moody", "stalls", "silent"};

/* The first member of whatever epoll points to says which of the two it is. */
enum kind { LISTENER, CONNECTION };

struct host {
    enum kind kind;
    int fd; /* -1 where the host before it listens at the same address */
    enum manner manner;
    struct host *next; /* of the same address */
    X509 *leaf;
    EVP_PKEY *key;
    char address[64];
    char name[256];
};

struct connection {
    enum kind kind;
    int fd;
    struct host *host;
    long number; /* for the log; -1 once it is told that the connection is over */
    double due; /* when a late greeting is to come; 0 where none is */
    struct connection *before, *after; /* of those whose greeting is to come, the earliest first */
    SSL *ssl; /* NULL in clear text */
    size_t used;
    char input[LINE];
};

static SSL_CTX *context;
static int epoll_fd;
static FILE *events_log; /* NULL where none is wanted */
static struct connection *first_late, *last_late;
static volatile double storm_ends;

static void die(const char *what)
{
    fprintf(stderr, "bulk_server: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void note(const struct connection *connection, double at, const char *what, const char *more)
{
    if (events_log != NULL)
        fprintf(events_log, "%.6f %ld %s %s\n", at, connection->number, what, more);
}

static void begin_storm(int signal)
{
    (void)signal;
    storm_ends = now() + STORM_MS / 1e3;
}

/* --- start ---------------------------------------------------------------------------------------------------- */

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static FILE *opened(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        die(path);
    return file;
}

/* Use the certificate and the key of a host. The certificate comes first: a key that does not fit it is refused. */
static int present(SSL *ssl, const struct host *host)
{
    return SSL_use_certificate(ssl, host->leaf) == 1 && SSL_use_PrivateKey(ssl, host->key) == 1;
}

/* The certificate of the name that a client asks for, among those of the address. */
static int choose_name(SSL *ssl, int *alert, void *unused)
{
    struct connection *connection = SSL_get_app_data(ssl);
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert, (void)unused;
    if (name == NULL)
        return SSL_TLSEXT_ERR_NOACK;
    note(connection, now(), "name", name);
    for (struct host *host = connection->host; host != NULL; host = host->next)
        if (strcasecmp(host->name, name) == 0 && present(ssl, host))
            return SSL_TLSEXT_ERR_OK;
    return SSL_TLSEXT_ERR_NOACK;
}

static void load_chain(const char *path)
{
    FILE *file = opened(path);
    X509 *certificate;
    context = SSL_CTX_new(TLS_server_method());
    if (context == NULL)
        die("no TLS context");
    while ((certificate = PEM_read_X509(file, NULL, NULL, NULL)) != NULL)
        SSL_CTX_add_extra_chain_cert(context, certificate);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_tlsext_servername_callback(context, choose_name);
    fclose(file);
}

static void watch(int fd, void *what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
}

static void listen_on(struct host *host, int port)
{
    struct sockaddr_in where = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int on = 1;
    host->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    setsockopt(host->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(host->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* connections inherit it */
    if (inet_pton(AF_INET, host->address, &where.sin_addr) != 1 ||
        bind(host->fd, (struct sockaddr *)&where, sizeof where) != 0 || listen(host->fd, BACKLOG) != 0)
        die(host->address);
    watch(host->fd, host);
}

static void load_hosts(const char *hosts, const char *leaves)
{
    FILE *lines = opened(hosts), *certificates = opened(leaves);
    char address[64], name[256], manner[16];
    struct host *before = NULL;
    int port;
    while (fscanf(lines, "%63s %d %255s %15s", address, &port, name, manner) == 4) {
        struct host *host = calloc(1, sizeof *host);
        host->kind = LISTENER;
        host->fd = -1;
        while (host->manner < SILENT && strcmp(manner, manners[host->manner]) != 0)
            host->manner++;
        host->leaf = PEM_read_X509(certificates, NULL, NULL, NULL);
        host->key = PEM_read_PrivateKey(certificates, NULL, NULL, NULL);
        if (host->leaf == NULL || host->key == NULL)
            die("too few certificates or keys");
        strcpy(host->address, address);
        strcpy(host->name, name);
        if (before != NULL && strcmp(before->address, address) == 0)
            before->next = host;
        else
            listen_on(host, port);
        before = host;
    }
    fclose(lines);
    fclose(certificates);
}

/* --- one connection ------------------------------------------------------------------------------------------- */

static void forget_late(struct connection *connection)
{
    *(connection->before != NULL ? &connection->before->after : &first_late) = connection->after;
    *(connection->after != NULL ? &connection->after->before : &last_late) = connection->before;
    connection->due = 0;
}

static void note_end(struct connection *connection)
{
    if (connection->number >= 0)
        note(connection, now(), "close", "");
    connection->number = -1;
}

static void hang_up(struct connection *connection)
{
    note_end(connection);
    if (connection->due != 0)
        forget_late(connection);
    if (connection->ssl != NULL) {
        SSL_shutdown(connection->ssl);
        SSL_free(connection->ssl);
    }
    close(connection->fd);
    free(connection);
}

/* Replies are far smaller than a socket's buffer, so that a short write means a peer that has gone. */
static void say(struct connection *connection, const char *text)
{
    int size = (int)strlen(text);
    if (connection->ssl != NULL)
        SSL_write(connection->ssl, text, size);
    else if (write(connection->fd, text, (size_t)size) != size)
        return;
}

static int start_tls(struct connection *connection)
{
    SSL *ssl = SSL_new(context);
    if (ssl == NULL || !present(ssl, connection->host) || SSL_set_fd(ssl, connection->fd) != 1 ||
        SSL_set_app_data(ssl, connection) != 1) {
        SSL_free(ssl);
        return 0;
    }
    SSL_set_accept_state(ssl);
    connection->ssl = ssl;
    connection->used = 0; /* what came in clear text behind STARTTLS counts for nothing */
    return 1;
}

/* Answer one command; returns 0 when the connection is over. */
static int answer(struct connection *connection, const char *command)
{
    char reply[512];
    if (strncasecmp(command, "EHLO", 4) == 0) {
        snprintf(reply, sizeof reply, "250-%s\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n%s250 8BITMIME\r\n",
                 connection->host->name, connection->ssl == NULL ? "250-STARTTLS\r\n" : "");
        say(connection, reply);
    } else if (strncasecmp(command, "STARTTLS", 8) == 0 && connection->ssl == NULL) {
        say(connection, "220 2.0.0 go ahead\r\n");
        return start_tls(connection);
    } else if (strncasecmp(command, "QUIT", 4) == 0) {
        note_end(connection);
        say(connection, "221 2.0.0 bye\r\n");
        return 0;
    } else {
        say(connection, "502 5.5.1 not here\r\n");
    }
    return 1;
}

/* Read what is there: octets, 0 if there is nothing now, -1 at the end. */
static int receive(struct connection *connection)
{
    char *where = connection->input + connection->used;
    size_t room = LINE - 1 - connection->used;
    int got;
    if (room == 0)
        return -1;
    if (connection->ssl != NULL) {
        got = SSL_read(connection->ssl, where, (int)room);
        if (got <= 0)
            return SSL_get_error(connection->ssl, got) == SSL_ERROR_WANT_READ ? 0 : -1;
    } else {
        got = (int)read(connection->fd, where, room);
        if (got <= 0)
            return got < 0 && errno == EAGAIN ? 0 : -1;
    }
    return got;
}

static int answer_lines(struct connection *connection)
{
    char *end;
    connection->input[connection->used] = '\0';
    while ((end = strchr(connection->input, '\n')) != NULL) {
        size_t length = (size_t)(end - connection->input) + 1;
        int in_clear = connection->ssl == NULL;
        *end = '\0';
        if (!answer(connection, connection->input))
            return 0;
        if (in_clear && connection->ssl != NULL)
            return 1;
        memmove(connection->input, end + 1, connection->used - length + 1);
        connection->used -= length;
    }
    return 1;
}

static void serve(struct connection *connection)
{
    int got;
    while ((got = receive(connection)) > 0) {
        connection->used += (size_t)got;
        int mute = connection->host->manner == SILENT || (connection->host->manner == STALLS && connection->ssl != NULL);
        if (!mute && !answer_lines(connection)) {
            got = -1;
            break;
        }
        if (connection->ssl == NULL || !SSL_has_pending(connection->ssl))
            return; /* whatever else comes is told by epoll */
    }
    if (got < 0)
        hang_up(connection);
}

static void greet(struct connection *connection)
{
    char greeting[300];
    snprintf(greeting, sizeof greeting, "220 %s ESMTP\r\n", connection->host->name);
    say(connection, greeting);
}

/* When the kernel had the connection: nothing has come from the client since its last ACK of the TCP handshake. */
static double began(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof info;
    getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
    return now() - info.tcpi_last_ack_recv / 1e3;
}

static void take(struct host *host)
{
    static long number;
    int fd;
    while ((fd = accept4(host->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct connection *connection = calloc(1, sizeof *connection);
        connection->kind = CONNECTION;
        connection->fd = fd;
        connection->host = host;
        connection->number = number++;
        if (events_log != NULL)
            note(connection, began(fd), "open", host->address);
        watch(fd, connection);
        if (host->manner == SERVE || host->manner == STALLS)
            greet(connection);
        if (host->manner == MOODY && now() < storm_ends) {
            say(connection, "421 4.7.0 too many connections, try again later\r\n");
            hang_up(connection);
        } else if (host->manner == LATE || host->manner == MOODY) {
            connection->due = now() + LATE_MS / 1e3;
            connection->before = last_late;
            *(last_late != NULL ? &last_late->after : &first_late) = connection;
            last_late = connection;
        }
    }
}

/* Greet those whose time has come; returns the milliseconds to the next one, -1 if there is none. */
static int greet_late(void)
{
    double left;
    while (first_late != NULL) {
        struct connection *connection = first_late;
        if ((left = connection->due - now()) > 0)
            return (int)(left * 1e3) + 1;
        forget_late(connection);
        greet(connection);
    }
    return -1;
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: bulk_server HOSTS LEAVES CHAIN [LOG]\n");
        return 2;
    }
    if (argc == 5 && (events_log = fopen(argv[4], "w")) == NULL)
        die(argv[4]);
    if (events_log != NULL)
        setlinebuf(events_log);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, begin_storm);
    raise_file_limit();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    load_chain(argv[3]);
    load_hosts(argv[1], argv[2]);
    puts("listening");
    fflush(stdout);
    for (;;) {
        int count = epoll_wait(epoll_fd, events, EVENTS, greet_late());
        for (int i = 0; i < count; i++) {
            void *what = events[i].data.ptr;
            if (*(enum kind *)what == LISTENER)
                take(what);
            else
                serve(what);
        }
    }
}
