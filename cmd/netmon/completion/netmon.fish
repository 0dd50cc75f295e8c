# netmon: completion for fish. To have it in every shell:
#   netmon completion fish > ~/.config/fish/completions/netmon.fish
function __netmon_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    set -l lines ($program __complete $words "$current" 2>/dev/null)
    if test "$lines[1]" = ":files"
        __fish_complete_path "$current"
    else if test (count $lines) -gt 0
        printf '%s\n' $lines
    end
end
complete -c netmon -f -a '(__netmon_complete)'
