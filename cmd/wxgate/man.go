package main

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// newMan returns the command man.
func newMan(inv *invocation) *cobra.Command {
	return &cobra.Command{
		Use:   "man",
		Short: "print the manual page",
		Long: `Prints the manual page of wxgate in the format of man: all commands, flags, exit codes,
signals, files and environment variables.`,
		Example:     `wxgate man | man -l -`,
		Annotations: exits("0 done; 1 the page could not be written; 2 the arguments are wrong"),
		Args:        noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := io.WriteString(inv.stdout, manual(cmd.Root()))
			return err
		},
	}
}

// manual returns the manual page of the command line root.
func manual(root *cobra.Command) string {
	m := new(manPage)
	m.title("WXGATE", "wxgate "+buildVersion())
	m.section("NAME")
	m.text(`wxgate - a gateway that puts WeChat sign-in in front of a web app`)
	m.section("SYNOPSIS")
	for _, c := range commandsOf(root) {
		m.command(usageOf(c))
	}
	m.section("DESCRIPTION")
	m.text(root.Long)
	m.section("COMMANDS")
	for _, c := range commandsOf(root) {
		m.describe(c)
	}
	m.section("EXIT STATUS")
	m.text(root.Annotations[exitCodes] + ". COMMANDS says more.")
	m.section("SIGNALS")
	m.item("SIGTERM, SIGINT", "", "serve: readiness answers 503, new requests are accepted for WXGATE_DRAIN_DELAY, "+
		"then requests in flight get WXGATE_SHUTDOWN_TIMEOUT to end. A second signal ends at once. Other commands end.")
	m.item("SIGHUP", "", "serve: the openid lists, assertion keys, certificate and key are reread at once, and the "+
		"log says so. Nothing ends.")
	m.environment()
	m.files()
	return m.String()
}

// describe writes what a command does, as its help says it.
func (m *manPage) describe(cmd *cobra.Command) {
	m.subsection(usageOf(cmd))
	for paragraph := range strings.SplitSeq(cmd.Long, "\n\n") {
		m.text(paragraph)
	}
	cmd.NonInheritedFlags().VisitAll(func(flag *pflag.Flag) {
		value, usage := pflag.UnquoteUsage(flag)
		if flag.DefValue != "" && flag.Value.Type() != "bool" {
			usage += " (default " + flag.DefValue + ")"
		}
		m.item("--"+flag.Name, value, usage)
	})
	m.text("Exit codes: " + cmd.Annotations[exitCodes] + ".")
	m.example(cmd.Example)
}

// environment writes the variables, and where their values may also be.
func (m *manPage) environment() {
	m.section("ENVIRONMENT")
	m.text("Variables configure wxgate. Lists have commas between the items; durations are such as 90s or 24h. " +
		"A variable that holds a secret may also be set as NAME_FILE, to the path of a file that holds it.")
	for _, v := range config.Reference() {
		name := v.Name
		if v.Secret {
			name += ", " + v.Name + "_FILE"
		}
		m.item(name, "", v.Meaning+defaultOf(v))
	}
	m.item("NO_COLOR", "", "if it is not empty, lines for people have no colour")
}

// defaultOf says what a variable is that is not set, or that it has to be; nothing if it
// then has no value.
func defaultOf(v config.Variable) string {
	switch {
	case !v.Preset && v.Default == "none":
		return ""
	case !v.Preset && strings.HasPrefix(v.Default, "required"):
		return " (" + v.Default + ")"
	default:
		return " (default: " + v.Default + ")"
	}
}

// files writes the variables that name files and folders.
func (m *manPage) files() {
	m.section("FILES")
	m.text("No path is built in: variables name all files.")
	for _, v := range config.Reference() {
		if strings.HasSuffix(v.Name, "_FILE") || strings.HasSuffix(v.Name, "_DIR") {
			m.item("$"+v.Name, "", v.Meaning)
		}
	}
}
