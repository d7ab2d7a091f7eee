package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

// exitsOfAll says what the exit codes of wxgate mean.
const exitsOfAll = `0 done; 1 it did not work; 2 the command line is wrong, or the configuration
of a command that needs a valid one`

// newHelp returns the command help. It is not among newCommands, whose helps it prints.
func newHelp(inv *invocation) *cobra.Command {
	help := &cobra.Command{
		Use:         "help [COMMAND]",
		Short:       "explain a command, or list all",
		Long:        `Prints what a command does, its flags and its exit codes; without a command, the list of all.`,
		Example:     `wxgate help check`,
		Annotations: exits("0 done; 1 the help could not be written; 2 there is no such command"),
	}
	help.Args = func(cmd *cobra.Command, args []string) error { return atMost(1, cmd, args) }
	help.ValidArgsFunction = func(
		cmd *cobra.Command, args []string, prefix string,
	) ([]cobra.Completion, cobra.ShellCompDirective) {
		var names []cobra.Completion
		for _, c := range commandsOf(cmd.Root()) {
			if len(args) == 0 && strings.HasPrefix(c.Name(), prefix) {
				names = append(names, cobra.CompletionWithDesc(c.Name(), c.Short))
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
	help.RunE = func(cmd *cobra.Command, args []string) error {
		about := cmd.Root()
		if len(args) == 1 {
			if about = commandCalled(cmd.Root(), args[0]); about == nil {
				return unknownCommand(cmd.Root(), args[0])
			}
		}
		_, err := fmt.Fprint(inv.stdout, helpOf(about))
		return err
	}
	return help
}

// commandsOf returns the commands that the help lists, in the order of [newCommands],
// then help.
func commandsOf(root *cobra.Command) []*cobra.Command {
	var list []*cobra.Command
	for _, c := range newCommands(new(invocation)) { // those of root are sorted by name
		list = append(list, commandCalled(root, c.Name()))
	}
	return append(list, commandCalled(root, "help"))
}

// commandCalled returns the command with a name; nil if there is none.
func commandCalled(root *cobra.Command, name string) *cobra.Command {
	for _, c := range root.Commands() {
		if c.Name() == name {
			return c
		}
	}
	return nil
}

// usageOf returns the command line of a command.
func usageOf(cmd *cobra.Command) string {
	if cmd.HasParent() {
		return cmd.Root().Name() + " " + cmd.Use
	}
	return cmd.Use
}

// helpOf returns the help of a command.
func helpOf(cmd *cobra.Command) string {
	cmd.InitDefaultHelpFlag() // also adds the flags of root
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: %s\n\n%s\n\n", usageOf(cmd), cmd.Long)
	if !cmd.HasParent() {
		b.WriteString("Commands:\n")
		table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, c := range commandsOf(cmd) {
			fmt.Fprintf(table, "  %s\t%s\n", c.Name(), c.Short)
		}
		table.Flush()
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "Flags:\n%s\nExit codes: %s.\n", cmd.Flags().FlagUsages(), cmd.Annotations[exitCodes])
	switch examples := strings.Split(cmd.Example, "\n"); {
	case cmd.Example == "":
		b.WriteString("\n`wxgate COMMAND --help` explains a command. Environment variables configure wxgate:\n" +
			"`wxgate env` lists them.\n")
	case len(examples) == 1:
		fmt.Fprintf(&b, "\nExample: %s\n", cmd.Example)
	default:
		fmt.Fprintf(&b, "\nExamples:\n  %s\n", strings.Join(examples, "\n  "))
	}
	return b.String()
}
