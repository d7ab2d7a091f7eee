package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// An invocation is what one run of the program receives beside its arguments.
type invocation struct {
	environ []string
	stdout  io.Writer // keeps the first error, see output
	stderr  io.Writer
	log     io.Writer // stdout as it is: the log has colours if it is a terminal
}

// exitCodes is the annotation of a command that says what its exit codes mean.
const exitCodes = "exit codes"

// exits returns the annotations of a command that says what its exit codes mean.
func exits(text string) map[string]string { return map[string]string{exitCodes: text} }

// newRoot returns wxgate's command line for one run with the arguments args.
func newRoot(inv *invocation, args []string) *cobra.Command {
	root := &cobra.Command{
		Use: "wxgate [COMMAND]",
		Long: `wxgate puts WeChat sign-in in front of a web app: it signs visitors in and forwards
their requests with the openid in a header. Without a command it runs the gateway.`,
		Args:          noArguments,
		SilenceErrors: true, // run prints them
		SilenceUsage:  true,
		Annotations:   exits(exitsOfAll),
	}
	version := root.Flags().Bool("version", false, "print version, commit and Go version")
	root.RunE = func(*cobra.Command, []string) error {
		if *version {
			return printVersion(inv)
		}
		return serve(inv)
	}
	root.PersistentFlags().BoolP("help", "h", false, "print this help")
	root.SetOut(inv.stdout)
	root.SetErr(inv.stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return flagError(cmd, args, err) })
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { fmt.Fprint(inv.stdout, helpOf(cmd)) })
	root.CompletionOptions.DisableDefaultCmd = true // newCompletion is instead of it
	root.CompletionOptions.SetDefaultShellCompDirective(cobra.ShellCompDirectiveNoFileComp)
	help := newHelp(inv)
	root.SetHelpCommand(help)
	root.AddCommand(newCommands(inv)...)
	if isCompletion(args) {
		completeFlags(root)
	}
	if isUnknown(root, args) {
		root.Args = func(*cobra.Command, []string) error { return unknownCommand(root, args[0]) }
		root.DisableFlagParsing = true // the flags are those of a command that does not exist
	}
	return root
}

// newCommands returns the commands in the order of the help.
func newCommands(inv *invocation) []*cobra.Command {
	return []*cobra.Command{
		newServe(inv),
		newDemo(inv),
		newEmulator(inv),
		newCheck(inv),
		newHealthcheck(inv),
		newExplain(inv),
		newFollowers(inv),
		newRevoke(inv),
		newKeygen(inv),
		newEnv(inv),
		newCompletion(inv),
		newMan(inv),
		newVersion(inv),
	}
}

// withTwoDashes returns args in which -help and -version have two dashes.
func withTwoDashes(args []string) []string {
	list := append([]string{}, args...) // never nil: package cobra would take those of the process
	for i, arg := range list {
		switch {
		case arg == "--":
			return list
		case arg == "-help", arg == "-version" && i == 0:
			list[i] = "-" + arg
		}
	}
	return list
}
