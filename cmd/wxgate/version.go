package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"
)

// version and commit are set by the linker (-X main.version=…) where a release
// is built from an archive; otherwise Go's own build information tells.
var version, commit string

// printVersion prints what exactly is running.
func printVersion(c *call) error {
	if err := c.noArguments("version"); err != nil {
		return err
	}
	_, err := fmt.Fprintf(c.stdout, "wxgate %s commit %s %s\n", buildVersion(), buildCommit(), runtime.Version())
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
