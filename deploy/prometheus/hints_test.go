package prometheus_test

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wxgate/wxgate/wechat"
)

// hints returns the hints that wxgate logs for an error code of WeChat. Some
// depend on the call.
func hints(code int) []string {
	var texts []string
	for _, api := range []string{
		"sns/oauth2/access_token", "sns/userinfo", "cgi-bin/stable_token", "cgi-bin/ticket/getticket", "cgi-bin/user/info",
	} {
		if hint := (&wechat.Error{API: api, Code: code}).Hint(); hint != "" && !slices.Contains(texts, hint) {
			texts = append(texts, hint)
		}
	}
	return texts
}

// texts returns the texts that a column of the dashboard's tables shows for
// values.
func texts(t *testing.T, column string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, p := range readDashboard(t).all() {
		for _, o := range p.FieldConfig.Overrides {
			if o.Matcher.Options != column {
				continue
			}
			for _, property := range o.Properties {
				var mappings []struct {
					Options map[string]struct{ Text string }
				}
				if property.ID != "mappings" {
					continue
				}
				if err := json.Unmarshal(property.Value, &mappings); err != nil {
					t.Fatal(err)
				}
				for _, m := range mappings {
					for value, shown := range m.Options {
						found[value] = shown.Text
					}
				}
			}
		}
	}
	return found
}

// The dashboard and the alert give a hint for each error code for which the log has
// one; the dashboard gives the same.
func TestHintsOfErrorCodes(t *testing.T) {
	t.Parallel()
	shown := texts(t, "Hint")
	var description string
	for _, rule := range alerts(t) {
		if rule.Alert == "WxgateWeChatRefusesConfiguration" {
			description = rule.Annotations["description"]
		}
	}
	for code := range 100_000 {
		want, name := hints(code), strconv.Itoa(code)
		if len(want) == 0 {
			continue
		}
		if !slices.Contains(want, shown[name]) {
			t.Errorf("the dashboard's hint for %d is %q, want one of %q", code, shown[name], want)
		}
		if !strings.Contains(description, `"`+name+`"`) {
			t.Errorf("the alert has no hint for %d", code)
		}
	}
}
