package config_test

import (
	"testing"

	"github.com/wxgate/wxgate/cmd/wxgate/internal/config"
)

// AdminListen is the value that Load would use. No other variable counts.
func TestAdminListen(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		environ   []string
		want, err string
	}{
		{nil, ":9090", ""},
		{[]string{"ADMIN_LISTEN=:1", "WXGATE_LISTEN=junk"}, ":9090", ""},
		{[]string{"WXGATE_ADMIN_LISTEN="}, "", ""},
		{[]string{"WXGATE_ADMIN_LISTEN=[::1]:9191"}, "[::1]:9191", ""},
		{[]string{"WXGATE_ADMIN_LISTEN=:1", "WXGATE_ADMIN_LISTEN=:2"}, ":2", ""},
		{[]string{"WXGATE_ADMIN_LISTEN=off"}, "",
			`WXGATE_ADMIN_LISTEN="off": expected host:port, such as :8080 or 127.0.0.1:8080`},
	} {
		got, err := config.AdminListen(test.environ)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if got != test.want || text != test.err {
			t.Errorf("AdminListen(%q) = %q, %q, want %q, %q", test.environ, got, text, test.want, test.err)
		}
	}
}

// NameOf is the name by which a site's variable was set.
func TestNameOf(t *testing.T) {
	t.Parallel()
	c, err := config.Load(shared("WXGATE_ACCESS_LOG_SKIP=/a", "WXGATE_SITES_1_ACCESS_LOG_SKIP=/b"))
	if err != nil {
		t.Fatal(err)
	}
	const name = "WXGATE_ACCESS_LOG_SKIP"
	for i, want := range []string{name, "WXGATE_SITES_1_ACCESS_LOG_SKIP"} {
		if got := c.Sites[i].Config.NameOf(name); got != want {
			t.Errorf("site %d: NameOf = %s, want %s", i, got, want)
		}
	}
	if got := c.NameOf("WXGATE_PAGES_DIR"); got != "WXGATE_PAGES_DIR" {
		t.Errorf("NameOf of a variable that is not set = %s", got)
	}
}
