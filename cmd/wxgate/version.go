package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// version and commit are set by the linker (-X main.version=…) when a release is
// built from an archive. If they are empty, Go's build information is used.
var version, commit string

// newVersion returns the command version.
func newVersion(inv *invocation) *cobra.Command {
	return &cobra.Command{
		Use:         "version",
		Short:       "print version, commit and Go version",
		Long:        `Prints one line: the version of wxgate, the commit that it was built from, and Go's version.`,
		Example:     `wxgate version`,
		Annotations: exits("0 done; 1 the line could not be written; 2 the arguments are wrong"),
		Args:        noArguments,
		RunE:        func(*cobra.Command, []string) error { return printVersion(inv) },
	}
}

// printVersion prints the version of the program and of Go.
func printVersion(inv *invocation) error {
	_, err := fmt.Fprintf(inv.stdout, "wxgate %s commit %s %s\n", buildVersion(), buildCommit(), runtime.Version())
	return err
}

func buildVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return cmp.Or(version, "unknown")
	}
	return cmp.Or(version, info.Main.Version, "unknown")
}

func buildCommit() string {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				revision = setting.Value
			}
		}
	}
	return cmp.Or(commit, revision, "unknown")
}
