# netmon: completion for bash. To have it in every shell:
#   netmon completion bash > ~/.local/share/bash-completion/completions/netmon
# or, without the package bash-completion, in ~/.bashrc:
#   eval "$(netmon completion bash)"
_netmon() {
	local line=${COMP_LINE:0:COMP_POINT} cut="" candidate
	local word=${line##*[[:space:]]}
	# bash completes what is behind the last = or : of a word
	case $word in *[=:]*) cut=${word%"${word##*[=:]}"} ;; esac
	COMPREPLY=()
	while IFS= read -r candidate; do
		if [[ $candidate == :files ]]; then
			compopt -o default 2>/dev/null
			return
		fi
		candidate=${candidate%%$'\t'*}
		COMPREPLY+=("${candidate#"$cut"}")
	done < <("${1/#\~/$HOME}" __complete --line "$line" 2>/dev/null)
	# behind FIELD= comes its value
	if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
		compopt -o nospace 2>/dev/null
	fi
}
complete -F _netmon netmon
