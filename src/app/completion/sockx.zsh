# Adds its words. After one that ends with = : or / the word goes on.
_sockx_choice() {
  local -a whole=("${@:#*[=:/]}") unfinished=("${(M)@:#*[=:/]}")
  local ret=1
  compadd -- $whole && ret=0
  compadd -S '' -- $unfinished && ret=0
  return ret
}

# An endpoint or, with the word relay_end, the end of a relay.
_sockx_end() {
  local prefix ret=1
  for prefix in $_sockx_path_prefixes; do
    compset -P "${(b)prefix}" && { _files; return }
  done
  if [[ $1 == relay_end ]]; then
    for prefix in $_sockx_nested_prefixes; do
      compset -P "${(b)prefix}" && { _sockx_end endpoint; return }
    done
    _sockx_choice $_sockx_end_prefixes && ret=0
  else
    _sockx_choice unix: vsock: fd: && ret=0
  fi
  _hosts && ret=0
  return ret
}

_sockx_file_or_host() {
  _alternative 'files:file:_files' 'hosts:host:_hosts'
}

_sockx_socket_option() {
  local -a names
  case "$_sockx_command $_sockx_first_word" in
    ('sockopt get') names=($_sockx_readable_options) ;;
    ((sockopt|udp|raw)*) names=(${^_sockx_any_options}=) ;;
    (*) names=(${^_sockx_stream_options}=) ;;
  esac
  _sockx_choice $names
}

_sockx_congestion() {
  compadd -- $(</proc/sys/net/ipv4/tcp_available_congestion_control)
}

_sockx_protocol() {
  compadd -- ${${(M)${(f)"$(</etc/protocols)"}:#[a-z]*}%%[[:space:]]*}
}

_sockx() {
  local dashes=$words[(i)--]
  if (( dashes < CURRENT )); then  # what follows is a command of its own
    shift $dashes words
    (( CURRENT -= dashes ))
    _normal
    return
  fi
  local curcontext=$curcontext state ret=1 _sockx_command _sockx_first_word
  local -a line
  typeset -A opt_args
  _arguments -C -s -S $_sockx_globals '1:subcommand:->subcommand' '*:: :->words' && ret=0
  case $state in
    (subcommand) _describe -t subcommands subcommand _sockx_commands && ret=0 ;;
    (words)
      _sockx_command=$line[1] _sockx_first_word=$words[2]
      curcontext=${curcontext%:*}-$_sockx_command:
      (( $+functions[_sockx_of_$_sockx_command] )) && _sockx_of_$_sockx_command && ret=0
      ;;
  esac
  return ret
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _sockx "$@"
else
  compdef _sockx sockx
fi
