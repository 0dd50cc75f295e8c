package export

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWrite_FormatsAgree(t *testing.T) {
	s, now := everyKind(t), start.Add(3*time.Second)
	text := written(s, Text, now)
	want := flat(parseText(t, text))
	if len(want) < 200 {
		t.Fatalf("%d samples of 8 kinds on 2 agents:\n%s", len(want), text)
	}
	if got := flat(parseProtobuf(t, written(s, Protobuf, now))); !slices.Equal(got, want) {
		t.Errorf("protobuf has\n%s\ntext has\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, line := range []string{
		`probe_success{agent="oslo",instance="https://127.0.0.1:1/json/m-https",kind="https",monitor="m-https",tag_team="a\"b\\c\nd"} 1`,
		`netmon_runs_total{agent="rome",instance="127.0.0.1:1/m-udp",kind="udp",monitor="m-udp",outcome="ok",tag_team="a\"b\\c\nd"} 3`,
		`netmon_monitor_info{instance="127.0.0.1:1/m-udp",kind="udp",monitor="m-udp",tag_team="a\"b\\c\nd"} 1`,
		`smokeping_requests_total{agent="oslo",instance="10.9.0.2/m-icmp",kind="icmp",monitor="m-icmp",tag_team="a\"b\\c\nd"} 9`,
		`netmon_latency_histogram_seconds_count{agent="oslo",instance="10.9.0.2/m-icmp",kind="icmp",monitor="m-icmp",tag_team="a\"b\\c\nd"} 3`,
	} {
		if !slices.Contains(want, line) {
			t.Errorf("no sample\n%s\nin\n%s", line, strings.Join(want, "\n"))
		}
	}
}

func TestWrite_Lint(t *testing.T) {
	for _, problem := range lint(t, written(everyKind(t), Text, start.Add(3*time.Second))) {
		// Without the word it would have the name of the gauge.
		if problem != "netmon_latency_histogram_seconds: metric name should not include type 'histogram'" {
			t.Error(problem)
		}
	}
}
