#compdef netmon
# netmon: completion for zsh. To have it in every shell, into a folder of $fpath:
#   netmon completion zsh > ~/.zfunc/_netmon
# or, in ~/.zshrc behind compinit:
#   eval "$(netmon completion zsh)"
_netmon() {
	local -a lines described
	local line
	lines=("${(@f)$(${~words[1]} __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
	if [[ $lines[1] == :files ]]; then
		_files
		return
	fi
	for line in $lines; do
		[[ -n $line ]] && described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
	done
	local -a behind # FIELD= comes its value
	[[ ${#described} -eq 1 && ${described[1]} == *=:* ]] && behind=(-S '')
	_describe -t netmon netmon described $behind
}
if [[ $funcstack[1] == _netmon ]]; then
	_netmon "$@"
else
	compdef _netmon netmon
fi
