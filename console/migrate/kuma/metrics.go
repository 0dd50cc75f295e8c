package kuma

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"netmon/console/migrate"
)

// metrics reads what Kuma's /metrics says of each monitor: its type, and its URL or its host
// and port.
func (r *reader) metrics(file migrate.File) error {
	any := false
	for i, line := range strings.Split(string(file.Data), "\n") {
		text, ok := strings.CutPrefix(strings.TrimSpace(line), "monitor_status{")
		if !ok {
			continue
		}
		at := migrate.Place{Path: file.Path, Line: i + 1}
		labels, err := readLabels(text)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		any = true
		r.measured(at, labels)
	}
	if !any {
		return fmt.Errorf("%s: neither a backup of Uptime Kuma (JSON) nor its /metrics: no line begins with monitor_status{", file.Path)
	}
	r.found.Remark(migrate.Place{Path: file.Path}, "/metrics says neither interval, timeout and retries nor what an answer is to be like, and nothing of monitors that are paused: these run every 60 s and take 200-299, as is usual in Kuma")
	return nil
}

// measured makes a monitor of labels as a backup would have it.
func (r *reader) measured(at migrate.Place, labels map[string]string) {
	all := map[string]any{"interval": "60"}
	for _, name := range []string{"name", "type", "url", "hostname", "port"} {
		if v := labels["monitor_"+name]; v != "" && v != "null" && v != "undefined" && v != "https://" {
			all[name] = v
		}
	}
	var tags []any
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if !strings.HasPrefix(name, "monitor_") && labels[name] != "" && labels[name] != "null" {
			tags = append(tags, map[string]any{"name": name, "value": labels[name]})
		}
	}
	all["tags"] = tags
	f := migrate.NewFields(all)
	if f.Text("type") == "group" {
		return
	}
	e := entry{f, at}
	before := len(r.found.Monitors)
	r.monitor(&backup{}, e)
	if len(r.found.Monitors) == before {
		return
	}
	m := &r.found.Monitors[before]
	switch f.Text("type") {
	case "keyword", "json-query":
		m.Lose("%s: /metrics does not say what the answer is to have", f.Text("type"))
	case "dns":
		m.Note("/metrics does not say which server is asked, and for what: this asks 1.1.1.1 for A, as is usual in Kuma")
	}
}

// readLabels reads labels of the text format of Prometheus, behind the brace.
func readLabels(text string) (map[string]string, error) {
	labels := map[string]string{}
	for {
		text = strings.TrimLeft(text, ", ")
		if strings.HasPrefix(text, "}") {
			return labels, nil
		}
		name, rest, ok := strings.Cut(text, `="`)
		if !ok {
			return nil, fmt.Errorf("want labels such as monitor_name=\"web\"")
		}
		var b strings.Builder
		closed := false
		for i := 0; i < len(rest) && !closed; i++ {
			switch c := rest[i]; {
			case c == '\\' && i+1 < len(rest):
				if i++; rest[i] == 'n' {
					b.WriteByte('\n')
				} else {
					b.WriteByte(rest[i])
				}
			case c == '"':
				text, closed = rest[i+1:], true
			default:
				b.WriteByte(c)
			}
		}
		if !closed {
			return nil, fmt.Errorf("the value of %s does not end", name)
		}
		labels[name] = b.String()
	}
}
