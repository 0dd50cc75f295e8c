package migrate

import (
	"fmt"
	"slices"
	"time"

	"netmon/internal/plural"
	"netmon/wire"
)

// Place is where something stands: a line of a file, 1 being the first; 0 is the file.
type Place struct {
	Path string
	Line int
}

func (p Place) String() string {
	if p.Line == 0 {
		return p.Path
	}
	return fmt.Sprintf("%s:%d", p.Path, p.Line)
}

// Found is what was in a tool's files, in their order. Each check there is one Monitor, or
// one Left.
type Found struct {
	Monitors []Monitor
	Left     []Left
	Remarks  []Remark
}

// Remark is about a file and no check of it: that its notices are not imported, or what all
// of its checks have in common.
type Remark struct {
	At   Place
	Text string
}

// Remark adds one, unless the file has it already.
func (f *Found) Remark(at Place, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for _, r := range f.Remarks {
		if r.Text == text && r.At.Path == at.Path {
			return
		}
	}
	f.Remarks = append(f.Remarks, Remark{at, text})
}

// NoNotices remarks that who is notified is not imported.
func (f *Found) NoNotices(at Place, what string) {
	f.Remark(at, "%s: who is notified is not imported: docs/alerts.md has channels and rules", what)
}

// Foreign remarks that a file is another tool's.
func (f *Found) Foreign(file File, tool string) {
	f.Remark(Place{Path: file.Path}, "it looks like a file of %s: nothing of it is imported", tool)
}

// UsualVerdict remarks after how many bad runs monitors are down that say nothing of it.
func (f *Found) UsualVerdict(at Place, which string) {
	f.Remark(Place{Path: at.Path}, "%s are down after 2 bad runs of 3, as is usual in netmon; with verdict: {down: 1/1} after the first", which)
}

// SlowIsDegraded remarks that what fails a check there for its time degrades a monitor.
func (f *Found) SlowIsDegraded(at Place, what, tool string) {
	f.Remark(Place{Path: at.Path}, "%s: %s counts a slow answer as a failure; in netmon it is slow (within), and its monitor degraded, never down; docs/alerts.md says who is notified of that", what, tool)
}

// RunEvery makes all monitors run so often. Longer timeouts become shorter than that.
func (f *Found) RunEvery(every time.Duration) {
	timeout, cut := max(every-every/10, time.Millisecond), 0
	for i := range f.Monitors {
		m := &f.Monitors[i]
		if m.Every = wire.Duration(every); m.Timeout > m.Every {
			m.Timeout = wire.Duration(timeout)
			cut++
		}
	}
	if cut > 0 {
		f.Remark(Place{Path: "--every"}, "%s a timeout of %v now: it was longer than %v, from one run to the next", plural.Count(cut, "monitor has", "monitors have"), wire.Duration(timeout), wire.Duration(every))
	}
}

// Leave leaves a check out.
func (f *Found) Leave(at Place, what, why string, args ...any) {
	f.Left = append(f.Left, Left{at, what, fmt.Sprintf(why, args...)})
}

// Monitor is a check that was carried.
type Monitor struct {
	wire.Saved
	At Place
	// Lost is what the check had and the monitor has not, a line each: "retries: 3: netmon
	// confirms a failure by other agents instead". Something is left out then.
	Lost []string
	// Notes are for the reader, a line each: what is measured in another way, or what is to be
	// done before it works, such as where a secret goes.
	Notes []string
}

// Left is a check that was not carried.
type Left struct {
	At   Place
	What string // its name, and what it is: `disk space (check_nrpe)`
	Why  string // "netmon reads no SNMP tables"
}

// Lose says what the monitor has not.
func (m *Monitor) Lose(format string, args ...any) {
	m.Lost = append(m.Lost, fmt.Sprintf(format, args...))
}

// Note tells the reader something of the monitor.
func (m *Monitor) Note(format string, args ...any) {
	m.Notes = append(m.Notes, fmt.Sprintf(format, args...))
}

// Checks is how many there were.
func (f *Found) Checks() int { return len(f.Monitors) + len(f.Left) }

// Complete says whether everything was carried.
func (f *Found) Complete() bool {
	for _, m := range f.Monitors {
		if len(m.Lost) > 0 {
			return false
		}
	}
	return len(f.Left) == 0
}

// Depend makes the monitor depend on another one, as far as netmon takes so many.
func (m *Monitor) Depend(on string) {
	switch {
	case on == m.Name || slices.Contains(m.DependsOn, on):
	case len(m.DependsOn) == wire.MaxParents:
		m.Lose("it depends on %s, too: netmon takes %d at most", on, wire.MaxParents)
	default:
		m.DependsOn = append(m.DependsOn, on)
	}
}
