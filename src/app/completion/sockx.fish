# The subcommand, and the words after it that are neither options nor their values. `--` ends them.
function __sockx_words
    set -l plain
    set -l is_value 0
    for word in (commandline -opc)[2..]
        set -l valued __sockx_valued_(string replace -a - _ -- "$plain[1]")
        if test $is_value = 1
            set is_value 0
        else if test "$word" = --
            set -a plain --
            break
        else if string match -q -- '-?*' $word
            contains -- $word $__sockx_valued_ $$valued; and set is_value 1
        else
            set -a plain $word
        end
    end
    string join \n -- $plain
end

function __sockx_needs_command
    not count (__sockx_words) >/dev/null
end

function __sockx_in_program
    contains -- -- (__sockx_words)
end

# Whether the subcommand is $argv[1], and the program after `--` has not begun; with $argv[2], whether that many
# words have been typed, or, with a + after it, at least that many.
function __sockx_using
    set -l plain (__sockx_words)
    test "$plain[1]" = "$argv[1]"; or return 1
    contains -- -- $plain; and return 1
    set -q argv[2]; or return 0
    set -l number (math (count $plain) - 1)
    test $number -eq $argv[2]; and return 0
    test "$argv[3]" = + -a $number -gt $argv[2]
end

# What the command after `--` completes.
function __sockx_program
    set -l typed (commandline -opc) (commandline -ct)
    set -l at (contains -i -- -- $typed)
    complete -C (string join ' ' -- $typed[(math $at + 1)..])
end

# The word that is being typed, without the option before it.
function __sockx_typed
    commandline -ct | string replace -r -- '^--[^=]*=' ''
end

# A list with commas: its finished part, and each of the words behind that.
function __sockx_list
    set -l begin (__sockx_typed | string replace -r -- '[^,]*$' '')
    string join \n -- "$begin"$argv
end

function __sockx_paths
    __fish_complete_path (__sockx_typed)
end

# An endpoint, or the end of a relay.
function __sockx_end
    set -l begin ''
    set -l word (__sockx_typed)
    set -l words unix: vsock: fd:
    if test "$argv[1]" = relay_end
        set words $__sockx_end_prefixes
        for prefix in $__sockx_nested_prefixes
            if string match -q -- "$prefix*" $word
                set begin $prefix
                set word (string replace -- $prefix '' $word)
                set words unix: vsock: fd:
            end
        end
    end
    for prefix in $__sockx_path_prefixes
        if string match -q -- "$prefix*" $word
            string join \n -- "$begin$prefix"(__fish_complete_path (string replace -- $prefix '' $word))
            return
        end
    end
    string join \n -- "$begin"$words "$begin"(__fish_print_hostnames)
end

function __sockx_socket_option
    set -l plain (__sockx_words)
    switch "$plain[1..2]"
        case 'sockopt get*'
            string join \n -- $__sockx_readable_options
        case 'sockopt*' 'udp*' 'raw*'
            string join \n -- $__sockx_any_options=
        case '*'
            string join \n -- $__sockx_stream_options=
    end
end

function __sockx_congestion
    string split ' ' </proc/sys/net/ipv4/tcp_available_congestion_control
end

# The first words of the lines of a file such as /etc/services.
function __sockx_names_in
    string match -r -- '^[a-z]\S*' <$argv[1]
end

complete -c sockx -f
complete -c sockx -n __sockx_in_program -a '(__sockx_program)'

