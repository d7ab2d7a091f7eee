package pathset_test

import (
	"testing"

	"github.com/wxgate/wxgate/gateway/pathset"
)

func TestExtent(t *testing.T) {
	t.Parallel()
	const part, most, all = pathset.Part, pathset.Most, pathset.All
	for _, tt := range []struct {
		patterns  []string
		get, post pathset.Extent
	}{
		{nil, part, part},
		{[]string{"/"}, all, all},
		{[]string{"GET /"}, all, part},
		{[]string{"POST /"}, part, all},
		{[]string{"OPTIONS /", "HEAD /"}, part, part},
		{[]string{"/{x...}"}, all, all},
		{[]string{"/{$}"}, part, part},
		{[]string{"/static/", "/news/{id}", "/{lang}/help/"}, part, part},
		{[]string{"/{a}"}, part, part},
		{[]string{"/{a}/{b}/{c}"}, part, part},
		{[]string{"/{a}/"}, most, most},
		{[]string{"/{a}/{b...}"}, most, most},
		{[]string{"/{a}/{b}/", "/static/x/y/z"}, most, most},
		{[]string{"/{a}", "/{a}/{b...}"}, most, most},
		{[]string{"/{a}", "/{b}/", "/{$}"}, all, all},
		{[]string{"/{a}", "/{a}/{b...}", "GET /{$}"}, all, most},
		{[]string{"GET /{a}", "/{a}/{$}", "/{a}/{b}", "/{a}/{b}/", "/{$}"}, all, most},
		{[]string{"GET /{a}", "POST /{a}/", "/{$}"}, part, most},
		{[]string{"/xxxx/", "/x/", "/xx"}, part, part},
	} {
		set := paths(t, tt.patterns...)
		if get, post := set.Extent("GET"), set.Extent("POST"); get != tt.get || post != tt.post {
			t.Errorf("%q: Extent of GET %d, of POST %d, want %d and %d", tt.patterns, get, post, tt.get, tt.post)
		}
	}
}
