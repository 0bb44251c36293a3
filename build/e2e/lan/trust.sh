#!/usr/bin/env bash
# Makes Chromium trust a certificate authority: puts it into the NSS store of a home folder, which is made when missing. Chromium
# started with that HOME then accepts its certificates and no other unknown ones. Needs certutil (Debian: libnss3-tools).
#
#	trust.sh HOME CA.pem
set -euo pipefail
[ $# = 2 ] || { echo "usage: trust.sh HOME CA.pem" >&2; exit 2; }
store=$1/.pki/nssdb
name=$(openssl x509 -in "$2" -noout -fingerprint -sha256)
name=${name#*=}
name=${name//:/} # certutil takes what stands before a colon for the name of a token
mkdir -p "$store"
[ -e "$store/cert9.db" ] || certutil -d "sql:$store" -N --empty-password
# certutil would add the same certificate under a second name.
certutil -d "sql:$store" -L -n "$name" >/dev/null 2>&1 || certutil -d "sql:$store" -A -n "$name" -t C,, -i "$2"
certutil -d "sql:$store" -L -n "$name" >/dev/null
