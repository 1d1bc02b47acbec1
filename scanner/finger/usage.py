"""The texts of ``mxsweep finger``: the usage that posttls-finger prints, and the help."""

USAGE = """\
usage: {program} [-acCfSvw] [-t conn_tmout] [-T cmd_tmout] [-L logopts] \\
\t[-l level] [-d mdalg] [-g grade] [-p protocols] [-M insecure_mx] \\
\t[-A tafile] [-F CAfile.pem] [-P CApath/] [-s servername] \\
\t[-o name=value] [--json [--all]] destination [match ...]
"""

HELP = """\
Usage: mxsweep finger [options] [inet:]domain[:port] [match ...]
       mxsweep finger -S [options] unix:pathname [match ...]

Connects to one mail destination and says what TLS it offers and how far its certificate can be
verified: posttls-finger(1) of Postfix, with its options, words and exit status. What follows the
destination is a match argument. Exit status: 0 whatever the verdict, 1 for usage and fatal errors.

  -a family       prefer ipv4 or ipv6 addresses of equal MX preference        [any]
  -A tafile       PEM trust anchors instead of -F and -P; verify and secure   [none]
  -c              do not show the SMTP dialogue
  -C              show the certificate chain in PEM
  -d digest       digest of fingerprints, shown and matched                   [sha256]
  -f              look TLSA records up even for hosts without DNSSEC
  -F CAfile       PEM bundle of trusted roots                                 [none]
  -g grade        minimum cipher grade: high, medium, null                    [medium]
  -l level        none, may, encrypt, fingerprint, dane, dane-only,
                  verify or secure                                            [dane]
  -L keywords     what to log about TLS                                       [routine,certmatch]
  -M policy       dane without a secure MX RRset: may, encrypt or dane        [dane]
  -o name=value   a main.cf parameter (myhostname, inet_protocols, cipher lists...)
  -p protocols    TLS protocols, e.g. '>=TLSv1.2' or '!TLSv1,!TLSv1.1'        [>=TLSv1]
  -P CApath       directory of trusted roots                                  [none]
  -s name         server name to ask for where DANE does not set it;
                  hostname and nexthop stand for themselves                   [none]
  -S              LMTP; also makes inet: and unix: known                      [SMTP]
  -t seconds      time for the connection, and for the greeting               [30]
  -T seconds      time for each command and for the handshake                 [30]
  -v              more about the decisions made
  -w              TLS from the first octet (wrapper mode)
  --json          print the records of mxsweep scan instead, as one JSON line
  --all           go on to every address of every MX host

Not in this version: -h -H -k -K -m -r -R -x; never: -X.
"""
