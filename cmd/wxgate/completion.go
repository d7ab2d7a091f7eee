package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newCompletion returns the command completion.
func newCompletion(inv *invocation) *cobra.Command {
	const usage = "completion bash|zsh|fish"
	completion := &cobra.Command{
		Use:   usage,
		Short: "print a script that completes wxgate's commands and flags in a shell",
		Long: `Prints a script for a shell, which then completes wxgate's commands, flags and their
values. It needs no configuration.`,
		Example: `source <(wxgate completion bash)
wxgate completion bash > /etc/bash_completion.d/wxgate
wxgate completion zsh > "${fpath[1]}/_wxgate"
wxgate completion fish > ~/.config/fish/completions/wxgate.fish`,
		Annotations: exits("0 done; 1 the script could not be written; 2 the arguments are wrong"),
		ValidArgs: []cobra.Completion{
			cobra.CompletionWithDesc("bash", "for bash 4.1 or later"), "zsh", "fish",
		},
	}
	completion.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageError{fmt.Errorf("no shell given; expected: wxgate %s", usage)}
		}
		return atMost(1, cmd, args)
	}
	completion.RunE = func(cmd *cobra.Command, args []string) error {
		root := cmd.Root()
		switch args[0] {
		case "bash":
			if err := root.GenBashCompletionV2(inv.stdout, true); err != nil {
				return err
			}
			_, err := io.WriteString(inv.stdout, bashWords)
			return err
		case "zsh":
			return root.GenZshCompletion(inv.stdout)
		case "fish":
			return root.GenFishCompletion(inv.stdout, true)
		}
		return usageError{fmt.Errorf("unknown shell %s; expected: wxgate %s", shown(args[0]), usage)}
	}
	return completion
}

// bashWords replaces a function of package cobra's script, which needs the package
// bash-completion: without that, the words are those of bash, with the parts joined
// again that bash separates at = and at :.
const bashWords = `
__wxgate_init_completion()
{
    COMPREPLY=()
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref "$@" cur prev words cword
        return
    fi
    local i joined=""
    words=()
    cword=-1
    for ((i = 0; i <= COMP_CWORD; i++)); do
        if [[ $cword -ge 0 && (-n $joined || ${COMP_WORDS[i]} == [=:]*) ]]; then
            words[cword]+=${COMP_WORDS[i]}
            joined=""
            [[ ${COMP_WORDS[i]} == [=:] ]] && joined=yes
        else
            cword=$((cword + 1))
            words[cword]=${COMP_WORDS[i]}
        fi
    done
    cur=${words[cword]}
    prev=${words[cword - 1]}
}
`

// isCompletion reports whether a completion script has called the program.
func isCompletion(args []string) bool {
	return len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd)
}

// completeFlags makes the flags of all commands complete their values, and takes the marks
// out of their descriptions by which the help finds the names of the values. It is called
// for a completion script only: package cobra keeps the functions for the process.
func completeFlags(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		cmd.Flags().VisitAll(func(flag *pflag.Flag) {
			_, flag.Usage = pflag.UnquoteUsage(flag)
			var words []cobra.Completion
			if value, ok := flag.Value.(*choice); ok {
				words = value.words
			}
			cmd.RegisterFlagCompletionFunc(flag.Name, func(
				_ *cobra.Command, _ []string, prefix string,
			) (fitting []cobra.Completion, _ cobra.ShellCompDirective) {
				for _, word := range words {
					if strings.HasPrefix(word, prefix) {
						fitting = append(fitting, word)
					}
				}
				return fitting, cobra.ShellCompDirectiveNoFileComp
			})
		})
	}
}
