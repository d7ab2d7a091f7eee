package prometheus_test

import (
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	grafana "github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// Grafana knows every field of the dashboard, of its panels and of their queries.
func TestDashboardHasNoUnknownFields(t *testing.T) {
	t.Parallel()
	known := cog.NewRuntime()
	known.RegisterDataqueryVariant(prometheus.VariantConfig())
	known.RegisterPanelcfgVariant(stat.VariantConfig())
	known.RegisterPanelcfgVariant(table.VariantConfig())
	known.RegisterPanelcfgVariant(timeseries.VariantConfig())
	//lint:ignore SA1019 Grafana 11 does not read the form that succeeds it
	var d grafana.Dashboard
	err := d.UnmarshalJSONStrict([]byte(readFile(t, dashboardFile)))
	if err != nil && err.Error() != "" { // it returns an empty list of errors, which is not nil
		t.Error(err)
	}
}
