package main_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const (
	// inner are the packages that the gateway is made of.
	inner = "session wechat gateway/origin gateway/panics gateway/pathset gateway/rawconn gateway/watch gateway/internal/"
	whole = inner + " gateway/hub gateway"

	// templates are those of the standard library without calls of methods. Those call
	// methods by name, so that the linker keeps all methods of all types.
	templates = "github.com/DataDog/datadog-agent/pkg/template/"
)

// allowedImports lists for each package the packages of the project that it may
// depend on, directly or not. A slash at the end stands for all packages below.
var allowedImports = []struct{ pkg, allowed string }{
	{"session", ""},
	{"session/redisstore", "session"},
	{"session/redisstore/redistest", ""},
	{"wechat", ""},
	{"wechat/wechattest", ""},
	{"gateway/hub", "session"},
	{"gateway/origin", ""},
	{"gateway/panics", "gateway/internal/"},
	{"gateway/pathset", ""},
	{"gateway/rawconn", ""},
	{"gateway/watch", ""},
	{"gateway/internal/", inner},
	{"gateway", inner + " gateway/hub"},
	{"gateway/admin", whole},
	{"gateway/extauthz", whole},
	{"gateway/relay", whole},
	{"cmd/wxgate/internal/bench", "session wechat/wechattest"},
	{"cmd/wxgate/internal/bench/", ""},
	{"cmd/wxgate/internal/config", whole + " gateway/admin session/redisstore"},
	{"cmd/wxgate/internal/heap", ""},
	{"cmd/wxgate/internal/logqueue", ""},
	{"cmd/wxgate/internal/samplesite", ""},
	{"cmd/wxgate/internal/stall", "gateway/rawconn"},
	{"cmd/wxgate/internal/tracing", "cmd/wxgate/internal/config " + whole + " gateway/admin session/redisstore"},
	{"cmd/wxgate", "session/ wechat/ gateway/ cmd/wxgate/internal/ " + whole},
}

// covers reports whether pkg is in a list, as in allowedImports.
func covers(list, pkg string) bool {
	return slices.ContainsFunc(strings.Fields(list), func(entry string) bool {
		return pkg == entry || strings.HasSuffix(entry, "/") && strings.HasPrefix(pkg, entry)
	})
}

func TestImports(t *testing.T) {
	t.Parallel()
	const project, format = "github.com/wxgate/wxgate/", `{{.ImportPath}} {{join .Deps " "}}`
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", format, project+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		list := strings.Fields(line)
		pkg := strings.TrimPrefix(list[0], project)
		allowed, found := "", false
		for _, rule := range allowedImports {
			if covers(rule.pkg, pkg) {
				allowed, found = rule.allowed, true
			}
		}
		if !found {
			t.Errorf("allowedImports has no line for %s", pkg)
			continue
		}
		for _, dep := range list[1:] {
			own, ours := strings.CutPrefix(dep, project)
			domain, _, _ := strings.Cut(dep, "/")
			switch {
			case ours && !covers(allowed, own):
				t.Errorf("%s depends on %s", pkg, own)
			case dep == "testing", dep == "net/http/httptest": // it adds the flags of go test to programs
				t.Errorf("%s depends on %s", pkg, dep)
			case pkg == "wechat/wechattest" && strings.Contains(domain, ".") && !strings.HasPrefix(dep, "golang.org/x/text/") &&
				!strings.HasPrefix(dep, templates):
				t.Errorf("%s depends on %s, want the standard library, golang.org/x/text and the templates alone", pkg, dep)
			}
		}
	}
}

// No package of the project runs templates that call methods by name.
func TestNoTemplatesThatCallMethods(t *testing.T) {
	t.Parallel()
	const project, format = "github.com/wxgate/wxgate/", `{{.ImportPath}} {{join .Imports " "}}`
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", format, project+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		list := strings.Fields(line)
		for _, name := range []string{"html/template", "text/template"} {
			if slices.Contains(list[1:], name) {
				t.Errorf("%s imports %s, want %s", list[0], name, templates+"…")
			}
		}
	}
}
