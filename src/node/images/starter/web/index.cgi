#!/bin/sh
# The page: TITLE and MESSAGE from the environment and, with BACKEND, what that address answers (CSV becomes a table).
# Answers 502 while the backend does not, so that a readiness probe on / tells the truth.
escape() { sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g'; }

status='200 OK'
body=
if [ -n "$BACKEND" ]; then
  # Not wget -T, which crashes in Debian's busybox; its shell runs its own wget before any other.
  if ! body=$(timeout "${BACKEND_TIMEOUT:-5}" wget -q -O - "$BACKEND" 2>&1); then
    status='502 Bad Gateway'
  fi
fi

printf 'Status: %s\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\n\r\n' "$status"
title=$(printf '%s' "${TITLE:-Telar starter web}" | escape)
cat <<PAGE
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; color: #222; background: #fff }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #ccc }
footer { margin-top: 2rem; color: #555; font-size: .875rem }
</style>
<h1>$title</h1>
<p>$(printf '%s' "${MESSAGE:-It works.}" | escape)</p>
PAGE
if [ "$status" != '200 OK' ]; then
  printf '<p>%s does not answer%s</p>\n' "$(printf '%s' "$BACKEND" | escape)" "$(printf '%s' "${body:+: $body}" | escape)"
elif [ -n "$BACKEND" ]; then
  case $BACKEND in
    *.csv)
      echo '<table>'
      printf '%s\n' "$body" | escape | awk -F, 'NF { cell = NR == 1 ? "th" : "td"; printf "<tr>"
        for (i = 1; i <= NF; i++) printf "<%s>%s</%s>", cell, $i, cell; print "</tr>" }'
      echo '</table>'
      ;;
    *)
      echo '<pre>'
      printf '%s\n' "$body" | escape
      echo '</pre>'
      ;;
  esac
fi
printf '<footer>Served by %s%s</footer>\n' "$(hostname)" "$([ -n "$BACKEND" ] && printf ', data from %s' "$BACKEND" | escape)"
