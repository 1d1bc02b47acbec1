"""The texts of ``mxsweep finger``: the usage text of posttls-finger, and the help."""

USAGE = """\
usage: {program} [-acCfRSvwx] [-t conn_tmout] [-T cmd_tmout] [-L logopts] \\
\t[-h host_lookup] [-l level] [-d mdalg] [-g grade] [-p protocols] \\
\t[-A tafile] [-F CAfile.pem] [-P CApath/] [-s servername] \\
\t[ [-H chainfiles] | [-k certfile [-K keyfile]] ] \\
\t[-m count] [-r delay] [-o name=value] destination [match ...]
"""

HELP = """\
Usage: mxsweep finger [options] [inet:]domain[:port] [match ...]
       mxsweep finger -S [options] unix:pathname [match ...]

Connects to one mail destination and reports its TLS parameters and the result of the certificate
verification, with the options, log lines and exit status of Postfix's posttls-finger(1). Arguments
after the destination are match arguments. Exit status: 0 for any verdict, 1 for usage and fatal errors.

  -a family       prefer ipv4 or ipv6 addresses of equal MX preference        [any]
  -A tafile       PEM trust anchors instead of -F and -P; verify and secure   [none]
  -c              do not show the SMTP dialogue                               [show it]
  -C              show the certificate chain in PEM                           [no]
  -d digest       digest algorithm for printed and matched fingerprints       [sha256, or as main.cf says]
  -f              look up TLSA records even for hosts without DNSSEC          [no]
  -F CAfile       PEM bundle of trusted roots                                 [none]
  -g grade        minimum cipher grade: high, medium, null                    [medium]
  -h lookups      services for host address lookups: dns, native or both      [dns]
  -H chainfiles   client certificate: PEM files, each key before its chain    [none]
  -k certfile     client certificate, PEM                                     [-K's file, or none]
  -K keyfile      key of the client certificate, PEM                          [-k's file, or none]
  -l level        none, may, encrypt, fingerprint, dane, dane-only,
                  verify or secure                                            [dane]
  -L keywords     classes of TLS log lines to print                           [routine,certmatch]
  -m count        maximum number of reconnections with -r                     [5]
  -M policy       level if the MX RRset is insecure: may, encrypt or dane     [dane]
  -o name=value   a main.cf parameter (myhostname, inet_protocols, ...)       [as main.cf says]
  -p protocols    TLS protocols, e.g. '>=TLSv1.2' or '!TLSv1,!TLSv1.1'        [>=TLSv1]
  -P CApath       directory of trusted roots                                  [none]
  -r seconds      reconnect after a pause to test TLS session resumption      [no]
  -R              look up SRV records instead of MX records                   [MX]
  -s name         server name (SNI) at levels without DANE; "hostname" and
                  "nexthop" stand for the host and the destination            [none]
  -S              LMTP; the prefixes inet: and unix: are then accepted        [SMTP]
  -t seconds      time limit of the connection, and of the greeting           [30]
  -T seconds      time limit of each command and of the handshake             [30]
  -v              print how the level is chosen; -vv prints more              [no]
  -w              TLS from the first octet (wrapper mode)                     [STARTTLS]
  -x              request raw public keys (RFC 7250), if GnuTLS is installed;
                  match key fingerprints only                                 [no]
  -X              tlsproxy(8): not supported, an error                        [no]
  --json          print the records of mxsweep scan instead, as one JSON line [lines]
  --save FILE     save the run in a file; mxsweep replay judges it again      [no]
  --all           connect to every address of every MX host                   [first that answers]

MAIL_CONFIG names the directory of main.cf [/etc/postfix]. Without a main.cf, the defaults are those of
a fresh Postfix installation.

Examples:
  mxsweep finger example.com
  mxsweep finger -c -l secure -F roots.pem '[mx.example.com]:25' mx.example.com
"""
