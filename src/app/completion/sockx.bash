# Sets `words` to the words up to the cursor. bash has split them at = and : too.
_sockx_split() {
  local line=${COMP_LINE:0:COMP_POINT} rest word i
  words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    rest=${line#"${line%%[![:space:]]*}"}
    ((i == COMP_CWORD)) && word=$rest
    if ((i == 0)) || [[ $rest != "$line" ]]; then
      words+=("$word")
    else
      words[${#words[@]} - 1]+=$word
    fi
    line=${rest:${#word}}
  done
}

# Adds those of the words in `choices` that begin with $2, each with $1 in front.
_sockx_choices() {
  local choice
  for choice in $choices; do
    [[ $choice == "$2"* ]] && COMPREPLY+=("$1$choice")
  done
}

# Adds paths; `compgen` is to see the word without quotes.
_sockx_paths() {
  local path word=${3#[\"\']}
  compopt -o filenames 2> /dev/null
  while IFS= read -r path; do
    COMPREPLY+=("$2$path")
  done < <(compgen "$1" -- "${word//\\/}")
}

_sockx_hosts() {
  local from=${#COMPREPLY[@]} i
  if declare -F _known_hosts_real > /dev/null; then
    _known_hosts_real -- "$2"
  else
    COMPREPLY+=($(compgen -A hostname -- "$2"))
  fi
  for ((i = from; i < ${#COMPREPLY[@]}; i++)); do
    COMPREPLY[i]=$1${COMPREPLY[i]}
  done
}

# An endpoint, or the end of a relay.
_sockx_end() {
  local head=$1 word=$2 prefix
  for prefix in $3; do
    if [[ $word == "$prefix"* ]]; then
      _sockx_end "$head$prefix" "${word#"$prefix"}" '' 'unix: vsock: fd:'
      return
    fi
  done
  for prefix in $_sockx_path_prefixes; do
    if [[ $word == "$prefix"* ]]; then
      _sockx_paths -f "$head$prefix" "${word#"$prefix"}"
      return
    fi
  done
  choices=$4
  _sockx_choices "$head" "$word"
  _sockx_hosts "$head" "$word"
}

# Adds the values of the kind $1 that begin with $3, each with $2 in front. $4 is the subcommand.
_sockx_values() {
  local head=$2 word=$3 name
  case $1 in
    choice) _sockx_choices "$head" "$word" ;;
    list)
      head+=${word%"${word##*,}"}
      _sockx_choices "$head" "${word##*,}"
      compopt -o nospace 2> /dev/null
      ;;
    file | path) _sockx_paths -f "$head" "$word" ;;
    directory) _sockx_paths -d "$head" "$word" ;;
    host) _sockx_hosts "$head" "$word" ;;
    endpoint) _sockx_end "$head" "$word" '' 'unix: vsock: fd:' ;;
    relay_end) _sockx_end "$head" "$word" "$_sockx_nested_prefixes" "$_sockx_end_prefixes" ;;
    file_or_host)
      _sockx_paths -f "$head" "$word"
      _sockx_hosts "$head" "$word"
      ;;
    service | user)
      choices=$(compgen -A "$1" -- "$word")
      _sockx_choices "$head" "$word"
      ;;
    interface)
      choices=$(cd /sys/class/net && echo *)
      _sockx_choices "$head" "$word"
      ;;
    process)
      choices=$(cd /proc && echo [0-9]*)
      _sockx_choices "$head" "$word"
      ;;
    protocol)
      choices=
      while read -r name _; do
        [[ $name == [a-z]* ]] && choices+=" $name"
      done < /etc/protocols
      _sockx_choices "$head" "$word"
      ;;
    congestion)
      choices=$(< /proc/sys/net/ipv4/tcp_available_congestion_control)
      _sockx_choices "$head" "$word"
      ;;
    socket_option)
      case "$4 ${plain[0]}" in
        'sockopt get') choices=$_sockx_readable_options ;;
        udp* | raw* | sockopt*) choices=${_sockx_any_options// /= }= ;;
        *) choices=${_sockx_stream_options// /= }= ;;
      esac
      _sockx_choices "$head" "$word"
      ;;
  esac
} 2> /dev/null

# The words behind `--` are a command of their own.
_sockx_program() {
  local i
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ ${COMP_WORDS[i]} == -- ]] && break
  done
  if declare -F _command_offset > /dev/null; then
    _command_offset $((i + 1))
  elif ((COMP_CWORD == i + 1)); then
    COMPREPLY=($(compgen -c -- "${COMP_WORDS[COMP_CWORD]}"))
  else
    _sockx_paths -f '' "${COMP_WORDS[COMP_CWORD]}"
  fi
}

_sockx() {
  local words word current i letters command='' pending='' kind choices optional options
  local plain=()
  _sockx_split
  current=${words[${#words[@]} - 1]}
  COMPREPLY=()
  for ((i = 1; i < ${#words[@]} - 1; i++)); do
    word=${words[i]}
    if [[ -n $pending ]]; then
      pending=
    elif [[ $word == -- ]]; then
      _sockx_program
      return
    elif [[ $word == --* ]]; then
      _sockx_option "$command" "$word"
      [[ -n $kind && -z $optional ]] && pending=$word
    elif [[ $word == -?* ]]; then
      for ((letters = 1; letters < ${#word}; letters++)); do
        _sockx_option "$command" "-${word:letters:1}"
        [[ -n $kind ]] || continue
        ((letters == ${#word} - 1)) && pending=-${word:letters:1}
        break
      done
    elif [[ -z $command ]]; then
      command=$word
    else
      plain+=("$word")
    fi
  done
  if [[ -n $pending ]]; then
    _sockx_option "$command" "$pending"
    _sockx_values "$kind" '' "$current" "$command"
  elif [[ $current == --*=* ]]; then
    _sockx_option "$command" "${current%%=*}"
    _sockx_values "$kind" "${current%%=*}=" "${current#*=}" "$command"
  elif [[ $current == -* && $current != - ]] || [[ $current == - && $command != relay ]]; then
    _sockx_options "$command"
    choices=$options
    _sockx_choices '' "$current"
  elif [[ -z $command ]]; then
    choices=$_sockx_commands
    _sockx_choices '' "$current"
  else
    _sockx_word "$command" ${#plain[@]}
    _sockx_values "$kind" '' "$current" "$command"
  fi
  [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:/,] ]] && compopt -o nospace 2> /dev/null
  # Readline keeps what is before the last = or :, if these separate words.
  local breaks=${COMP_WORDBREAKS//[!:=]/} kept
  if [[ -n $breaks ]]; then
    kept=${current%"${current##*["$breaks"]}"}
    COMPREPLY=("${COMPREPLY[@]#"$kept"}")
  fi
}

complete -F _sockx sockx
