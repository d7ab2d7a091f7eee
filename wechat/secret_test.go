package wechat_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat"
)

const planted = wechat.Secret("hunter2")

func TestSecretDoesNotPrint(t *testing.T) {
	t.Parallel()
	for verb := range strings.SplitSeq("v +v #v s q x X #x d t b c o U e g 10s -10.3s +q", " ") {
		if got := fmt.Sprintf("%"+verb, planted); got != "[redacted]" {
			t.Errorf("Sprintf(%%%s) = %q, want [redacted]", verb, got)
		}
	}
	client := &wechat.Client{AppID: "wx1", AppSecret: planted}
	grant := wechat.Grant{AccessToken: planted, RefreshToken: planted}
	values := map[string]any{
		"client":  client,
		"grant":   grant,
		"token":   &wechat.Token{AccessToken: planted},
		"slice":   []wechat.Secret{planted},
		"map":     map[wechat.Secret]wechat.Secret{planted: planted},
		"pointer": new(planted),
		"any":     struct{ Any any }{planted},
	}
	for name, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			got := fmt.Sprintf(verb, value)
			if strings.Contains(got, "hunter2") || strings.Contains(got, fmt.Sprintf("%x", "hunter2")) {
				t.Errorf("Sprintf(%s) of %s = %q, shows the secret", verb, name, got)
			}
		}
	}
	if got := fmt.Sprint("a", planted, fmt.Sprintln(planted)); strings.Contains(got, "hunter2") {
		t.Errorf("Sprint = %q, shows the secret", got)
	}
}

func TestSecretDoesNotMarshal(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{
		"plain":     planted,
		"pointer":   new(planted),
		"grant":     wechat.Grant{AccessToken: planted, RefreshToken: planted},
		"map value": map[string]wechat.Secret{"k": planted},
	} {
		got, err := json.Marshal(value)
		if err != nil || strings.Contains(string(got), "hunter2") || !strings.Contains(string(got), `"[redacted]"`) {
			t.Errorf("Marshal of %s = %s, %v; want [redacted]", name, got, err)
		}
	}
}

func TestSecretReveal(t *testing.T) {
	t.Parallel()
	if got := planted.Reveal(); got != "hunter2" {
		t.Errorf("Reveal = %q, want hunter2", got)
	}
}
