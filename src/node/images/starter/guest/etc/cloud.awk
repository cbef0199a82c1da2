# A subset of cloud-config's YAML: top-level scalars, lists of maps (write_files) and lists of commands (bootcmd, runcmd);
# plain, quoted, literal (|) and folded (>) scalars, flow lists of words. Writes what it finds below `out`.

function indentOf(text) { match(text, /^ */); return RLENGTH }
function blank(text) { return text ~ /^[ \t]*$/ || text ~ /^ *#/ }
function trim(text) { sub(/^[ \t]+/, "", text); sub(/[ \t]+$/, "", text); return text }
function quoted(word) { gsub(/'/, "'\\''", word); return "'" word "'" }

# Escapes of a double-quoted scalar.
function unescape(text,    result, at, c) {
  result = ""
  for (at = 1; at <= length(text); at++) {
    c = substr(text, at, 1)
    if (c == "\\") {
      c = substr(text, ++at, 1)
      if (c == "n") { c = "\n" } else if (c == "t") { c = "\t" } else if (c == "r") { c = "\r" }
    }
    result = result c
  }
  return result
}

function unquote(text) {
  text = trim(text)
  if (text ~ /^".*"$/) { return unescape(substr(text, 2, length(text) - 2)) }
  if (text ~ /^'.*'$/) { text = substr(text, 2, length(text) - 2); gsub(/''/, "'", text); return text }
  sub(/[ \t]+#.*$/, "", text)
  return trim(text)
}

# The lines of a block scalar that belong to something indented by `parent`; moves `row` behind them.
function block(style, parent,    base, result, pending, text) {
  base = -1; result = ""; pending = ""
  while (row <= rows) {
    text = lines[row]
    if (text ~ /^[ \t]*$/) { pending = pending "\n"; row++; continue }
    if (indentOf(text) <= parent) { break }
    if (base < 0) { base = indentOf(text) }
    if (style ~ /^>/ && result != "" && pending == "") { sub(/\n$/, " ", result) }
    result = result pending substr(text, base + 1) "\n"
    pending = ""
    row++
  }
  if (style ~ /-$/) { sub(/\n$/, "", result) }
  if (style ~ /\+$/) { result = result pending }
  return result
}

# A value that follows `key:` or `- ` on its line.
function scalar(text, parent) {
  text = trim(text)
  if (text ~ /^[|>][-+0-9]*([ \t]+#.*)?$/) { sub(/[ \t]+#.*$/, "", text); return block(text, parent) }
  return unquote(text)
}

# `[a, "b c"]` as words quoted for the shell.
function words(text,    result, at, c, word, quote) {
  text = trim(text); text = substr(text, 2, length(text) - 2)
  result = ""; word = ""; quote = ""
  for (at = 1; at <= length(text) + 1; at++) {
    c = at > length(text) ? "," : substr(text, at, 1)
    if (quote == "" && c == "," ) { result = result quoted(unquote(word)) " "; word = ""; continue }
    if (quote == "" && (c == "\"" || c == "'") && trim(word) == "") { quote = c }
    else if (c == quote) { quote = "" }
    word = word c
  }
  return result
}

function emit(file, text) { printf "%s", text > file; close(file) }

function commands(file, parent,    text, depth, all) {
  all = ""
  while (row <= rows) {
    text = lines[row]
    if (blank(text)) { row++; continue }
    depth = indentOf(text); text = substr(text, depth + 1)
    if (text !~ /^-([ \t]|$)/ || depth < parent) { break }
    row++
    text = trim(substr(text, 2))
    all = all (text ~ /^\[.*\]$/ ? words(text) : scalar(text, depth)) "\n"
  }
  emit(file, all)
}

function writeFiles(    text, depth, count, key, value, inner, meta) {
  count = 0
  while (row <= rows) {
    text = lines[row]
    if (blank(text)) { row++; continue }
    depth = indentOf(text)
    if (substr(text, depth + 1) !~ /^-([ \t]|$)/) { break }
    count++; meta = ""
    sub(/-/, " ", text); lines[row] = text
    if (text ~ /^ *$/) { row++ }
    while (row <= rows) {
      text = lines[row]
      if (blank(text)) { row++; continue }
      inner = indentOf(text)
      if (inner <= depth) { break }
      text = substr(text, inner + 1)
      key = text; sub(/:.*/, "", key)
      value = text; sub(/^[^:]*:/, "", value)
      row++
      value = scalar(value, inner)
      if (key == "content") { emit(out "/" count, value) } else { meta = meta key " " value "\n" }
    }
    emit(out "/" count ".meta", meta)
    printf "" >> (out "/" count)
  }
}

# What a key that is not read brings with it.
function skip() { while (row <= rows && (blank(lines[row]) || indentOf(lines[row]) > 0 || lines[row] ~ /^- /)) { row++ } }

{ sub(/\r$/, ""); lines[++rows] = $0 }

END {
  row = 1
  while (row <= rows) {
    if (blank(lines[row]) || lines[row] == "---") { row++; continue }
    key = lines[row]; sub(/:.*/, "", key)
    value = lines[row]; sub(/^[^:]*:/, "", value)
    row++
    if (key == "hostname" || (key == "fqdn" && host == "")) { host = scalar(value, 0) }
    else if (key == "write_files") { writeFiles() }
    else if (key == "runcmd" || key == "bootcmd") { commands(out "/" key, 0) }
    else { ignored = ignored (ignored == "" ? "" : ", ") key; skip() }
  }
  if (host != "") { emit(out "/hostname", host) }
  if (ignored != "") { print "cloud-init: not read by the starter guest: " ignored }
}
