package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version and commit are set by the linker (-X main.version=…) when a release is
// built from an archive. If they are empty, Go's build information is used.
var version, commit string

// printVersion prints the version of the program and of Go.
func printVersion(inv *invocation) error {
	if err := inv.noArguments("version"); err != nil {
		return err
	}
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
