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

Connects to one mail destination and says what TLS it offers and how far its certificate can be
verified: posttls-finger(1) of Postfix, with its options, words and exit status. What follows the
destination is a match argument. Exit status: 0 whatever the verdict, 1 for usage and fatal errors.

  -a family       prefer ipv4 or ipv6 addresses of equal MX preference        [any]
  -A tafile       PEM trust anchors instead of -F and -P; verify and secure   [none]
  -c              do not show the SMTP dialogue                               [show it]
  -C              show the certificate chain in PEM                           [no]
  -d digest       digest of fingerprints, shown and matched                   [sha256, or as main.cf says]
  -f              look TLSA records up even for hosts without DNSSEC          [no]
  -F CAfile       PEM bundle of trusted roots                                 [none]
  -g grade        minimum cipher grade: high, medium, null                    [medium]
  -h lookups      where hosts' addresses are looked up: dns, native or both   [dns]
  -H chainfiles   client certificate: PEM files, each key before its chain    [none]
  -k certfile     client certificate, PEM                                     [-K's file, or none]
  -K keyfile      key of the client certificate, PEM                          [-k's file, or none]
  -l level        none, may, encrypt, fingerprint, dane, dane-only,
                  verify or secure                                            [dane]
  -L keywords     what to log about TLS                                       [routine,certmatch]
  -m count        maximum number of reconnections with -r                     [5]
  -M policy       dane without a secure MX RRset: may, encrypt or dane        [dane]
  -o name=value   a main.cf parameter (myhostname, inet_protocols, ...)       [as main.cf says]
  -p protocols    TLS protocols, e.g. '>=TLSv1.2' or '!TLSv1,!TLSv1.1'        [>=TLSv1]
  -P CApath       directory of trusted roots                                  [none]
  -r seconds      reconnect after a pause, to see whether sessions resume      [no]
  -R              look SRV records up instead of MX records                   [MX]
  -s name         server name (SNI) at levels without DANE; "hostname" and
                  "nexthop" stand for the host and the destination            [none]
  -S              LMTP; the prefixes inet: and unix: are then accepted        [SMTP]
  -t seconds      time limit of the connection, and of the greeting           [30]
  -T seconds      time limit of each command and of the handshake             [30]
  -v              print the choice of the level; twice for more               [no]
  -w              TLS from the first octet (wrapper mode)                     [STARTTLS]
  -x              accept raw public keys: only a key's fingerprint matches    [no]
  -X              tlsproxy(8): not supported, an error                        [no]
  --json          print the records of mxsweep scan instead, as one JSON line [lines]
  --save FILE     save the run in a file; mxsweep replay judges it again       [no]
  --all           go on to every address of every MX host                     [first that answers]

MAIL_CONFIG names the directory of main.cf [/etc/postfix]. Without a main.cf, the defaults are those of
a fresh Postfix.

Examples:
  mxsweep finger example.com
  mxsweep finger -c -l secure -F roots.pem '[mx.example.com]:25' mx.example.com
"""
