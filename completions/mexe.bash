# Completion of mexe for bash.
_mexe() {
    local word=${COMP_WORDS[COMP_CWORD]}
    if [ "${COMP_WORDS[COMP_CWORD - 1]}" = -f ]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$word")
    elif [ "$COMP_CWORD" -eq 1 ]; then
        mapfile -t COMPREPLY < <(compgen -W '-- -f -h --help --version' -- "$word")
    else
        COMPREPLY=()
    fi
}
complete -o filenames -F _mexe mexe
