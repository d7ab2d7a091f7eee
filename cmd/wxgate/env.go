package main

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// newEnv returns the command env.
func newEnv(inv *invocation) *cobra.Command {
	return &cobra.Command{
		Use:   "env",
		Short: "print the table of environment variables as Markdown",
		Long: `Prints all environment variables that configure wxgate, with default and meaning, as a
Markdown table. It does not print the values that are set.`,
		Example:     `wxgate env | grep SESSION`,
		Annotations: exits("0 done; 1 the table could not be written; 2 the arguments are wrong"),
		Args:        noArguments,
		RunE:        func(*cobra.Command, []string) error { return printEnv(inv) },
	}
}

// printEnv prints the table of environment variables.
func printEnv(inv *invocation) error {
	_, err := io.WriteString(inv.stdout, config.Table())
	return err
}
