package export

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"

	"netmon/console"
	"netmon/wire"
)

// debug writes what is known of a run as blackbox_exporter lays it out: the log, the metrics, the
// module. Agents do not tell their steps: the log is what the result says.
func (s *Server) debug(w io.Writer, a answer, err error) {
	out := console.Escaper{W: w}
	fmt.Fprintf(w, "Logs for the probe:\n")
	switch r := a.result; {
	case r == nil:
	case a.from != "":
		fmt.Fprintf(out, "the last result of the monitor %s, measured by %s at %s\n", a.from, r.Agent, r.Started.UTC().Format("2006-01-02 15:04:05.000Z"))
	default:
		fmt.Fprintf(out, "measured by %s at %s, with a timeout of %v\n", r.Agent, r.Started.UTC().Format("2006-01-02 15:04:05.000Z"), a.monitor.Timeout)
	}
	if r := a.result; r != nil {
		if k, ok := s.kinds.Find(r.Kind); ok && len(r.Details) > 0 {
			if bad := k.Report(r.Details, out); bad != nil {
				fmt.Fprintln(out, bad)
			}
		}
		console.Measured(w, console.Styles{}, *r)
	}
	if err != nil {
		fmt.Fprintln(out, errorText(err))
	}
	fmt.Fprintf(w, "\n\n\nMetrics that would have been returned:\n")
	if err == nil {
		_, _ = w.Write(s.probeText(a)) // who does not read it is gone
	}
	fmt.Fprintf(w, "\n\n\nModule configuration:\n")
	if a.monitor.Kind != "" {
		text, bad := json.MarshalIndent(struct {
			Kind    string          `json:"kind"`
			Target  string          `json:"target"`
			Timeout wire.Duration   `json:"timeout"`
			Options json.RawMessage `json:"options,omitempty"`
		}{a.monitor.Kind, a.monitor.Target, a.monitor.Timeout, s.shown(a.monitor)}, "", "  ")
		if bad == nil {
			fmt.Fprintf(out, "%s\n", text)
		}
	}
}

// shown are the options of a monitor without the values that are, or may be, secret; null where nobody
// knows which these are.
func (s *Server) shown(m wire.Monitor) json.RawMessage {
	hidden, err := s.kinds.Confidential(m)
	var all any
	if len(m.Options) == 0 || err != nil || json.Unmarshal(m.Options, &all) != nil {
		return nil
	}
	out, err := json.Marshal(hide(all, "options", hidden))
	if err != nil {
		return nil
	}
	return out
}

// hide replaces the values at these paths.
func hide(v any, path string, hidden []string) any {
	if slices.Contains(hidden, path) {
		return "(hidden)"
	}
	switch v := v.(type) {
	case map[string]any:
		for name, x := range v {
			v[name] = hide(x, path+"."+name, hidden)
		}
	case []any:
		for i, x := range v {
			v[i] = hide(x, path+"["+strconv.Itoa(i)+"]", hidden)
		}
	}
	return v
}
