# Completion of mexe for fish.
complete -c mexe -f
complete -c mexe -s f -r -F -d 'the whole file is one expression'
complete -c mexe -s h -l help -d 'print a summary'
complete -c mexe -l version -d 'print the version'
