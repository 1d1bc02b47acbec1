"""Command lines of the written pairs with a usage error or an error in main.cf parameters.

They show which lines precede the error, and which of several errors is reported.
"""

_U_LABELS = ".".join(["ä" + "x" * 50] * 4)
"""Four U-labels, whose A-labels have 58 octets each."""

FATAL_LINES = f"""
{_U_LABELS}.{"x" * 17}
{_U_LABELS}.{"x" * 18}
{_U_LABELS}.{"x" * 19}
-j good311.test
-t
-l
--bogus good311.test
-L bogus -l may -o line_length_limit=1 good311.test
-L bogus -o line_length_limit=1 good311.test
-L bogus -o myhostname=bad..name good311.test
-L bogus -o mail_owner=nosuch good311.test
-L bogus -o tls_eecdh_auto_curves= good311.test
-L bogus -l may -o tls_fast_shutdown_enable=x good311.test
-L bogus -l none -o tls_fast_shutdown_enable=x -c good311.test
-L verbose -o tls_dane_digests= good311.test
-L verbose -o smtputf8_enable=x good311.test
-L bogus
-L verbose -l fingerprint
-d bogus
-k {{work}}/none.pem
-F {{work}}/none.pem
-A {{work}}/none.pem
-A {{work}}/none.pem -l secure
-l none -F {{work}}/none.pem
-o tls_ssl_options=bogus
-L bogus good311.test:nosuch
-o tls_eecdh_auto_curves= -o line_length_limit=1 good311.test
-o tls_append_default_CA=x -o smtputf8_enable=x good311.test
-o tls_append_default_CA=x -o inet_protocols=x good311.test
-o line_length_limit=x -o inet_protocols=x good311.test
-o mail_owner=nosuch -o inet_protocols=x good311.test
-o myhostname=.. -o inet_protocols=x good311.test
-o myhostname=.. -o mail_owner=nosuch good311.test
-o smtp_tls_fingerprint_digest= -o mail_owner=nosuch good311.test
-o smtp_tls_fingerprint_digest= -o line_length_limit=x good311.test
-o tls_eecdh_auto_curves= -o tls_dane_digests= good311.test
-o myhostname= -o tls_dane_digests= good311.test
-o myhostname=-a..b good311.test
-o 'myhostname=a..b c' good311.test
-o myhostname=1..2 good311.test
-o myhostname={{long}}.b. good311.test
-o myhostname=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.test good311.test
"""
