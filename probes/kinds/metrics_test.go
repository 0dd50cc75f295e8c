package kinds

import (
	"slices"
	"strings"
	"testing"

	"netmon/probes"
)

// TestEveryKind_Metrics walks all kinds: what they export is there.
func TestEveryKind_Metrics(t *testing.T) {
	if err := All().CheckMetrics(); err != nil {
		t.Error(err)
	}
	for _, k := range All() {
		if len(k.Metrics) == 0 {
			t.Errorf("kind %s has no metrics", k.Name)
		}
	}
}

func TestCheckMetrics_ReportsEveryMistake(t *testing.T) {
	k := All()[0]
	k.Metrics = []probes.Metric{
		{Name: "Probe-x", Help: "A.", Figure: "status"},
		{Name: "probe_a", Help: "A.", Figure: "no_such"},
		{Name: "probe_a", Help: "B.", Figure: "status", Zero: "no_zero", Unless: "no_unless"},
		{Name: "probe_b", Help: "B."},
		{Name: "probe_c", Help: "C.", Value: "x", Figure: "tls"},
		{Name: "probe_d", Figure: "status"},
		{Name: "probe_f", Help: "F.", Figure: "tls_ns"},
		{Name: "probe_f", Help: "F.", Figure: "status"},
		{Name: "probe_e", Help: "E.", Times: &probes.Times{Count: "a", Min: "b", Mean: "c", Max: "d"}},
		{Name: "probe_g", Help: "G.", Each: &probes.Each{List: "tls.chain", Label: "subject", Number: "none"}},
	}
	err := probes.List{k}.CheckMetrics()
	if err == nil {
		t.Fatal("no mistake is reported")
	}
	got := strings.Split(err.Error(), "\n")
	for _, want := range []string{
		`metrics[0]: want a name of lower-case letters, digits and underscores, got "Probe-x"`,
		`metrics[1]: kind http has no figure "no_such"`,
		`metrics[2]: want one help for all metrics called "probe_a", got "A." and "B."`,
		`metrics[2]: kind http has no figure "no_zero"`,
		`metrics[2]: kind http has no figure "no_unless"`,
		`metrics[3]: probe_b: want a figure, or unmet expectations, or times, or items, got 0 of them`,
		`metrics[4]: want the name of a label, got ""`,
		`metrics[5]: want one help for all metrics called "probe_d", got "" and ""`,
		`metrics[7]: want one unit for all metrics called "probe_f", got nanoseconds and numbers`,
		`metrics[8]: kind http has no figure "a"`,
		`metrics[9]: kind http has no figure "tls.chain[].none"`,
		`metrics[9]: probe_g: want a list, a label without a value, and an item's label and number`,
	} {
		if !slices.ContainsFunc(got, func(line string) bool { return strings.Contains(line, want) }) {
			t.Errorf("the mistakes are\n%s\nand lack\n%s", err, want)
		}
	}
}
