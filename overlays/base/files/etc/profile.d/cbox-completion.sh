# The words of cbox at the Tab key, in bash.
[ -n "${BASH_VERSION-}" ] || return 0

_cbox() {
	local words=""
	case "$COMP_CWORD:${COMP_WORDS[1]}:${COMP_WORDS[2]-}" in
	2:services:*) words="setup enable disable start stop publish unpublish log secret claim upgrade remove-data compose --json" ;;
	2:node:*) words="setup leave --json" ;;
	2:status:*) words="--json" ;;
	2:search:*) words="--json --join --yes" ;;
	2:reset:*) words="--keep-data --all" ;;
	2:setup:*) words="--answers" ;;
	# The commands and steps, written by npm run docs.
	1:*) words="status setup system network member node vpn contexts services search publish reset help" ;;
	2:help:*) words="status setup system network member node vpn contexts services search publish reset" ;;
	2:system:* | 2:network:* | 2:member:* | 2:node:* | 2:vpn:* | 2:contexts:* | 2:services:*) words="setup --json" ;;
	# End of what is written.
	3:services:compose) words="add remove" ;;
	3:reset:*) words="--yes" ;;
	3:node:leave) words="--answers --yes" ;;
	3:*:setup) words="--answers" ;;
	4:*:setup | 3:setup:--answers)
		COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
		return
		;;
	esac
	COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _cbox cbox
