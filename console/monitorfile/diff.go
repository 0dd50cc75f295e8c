package monitorfile

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"netmon/console"
	"netmon/console/output"
	"netmon/wire"
)

// Diff writes what a plan changes, one after the other, as lines of files.
func Diff(w io.Writer, plan console.Plan) error {
	for _, change := range plan.Settings {
		before, err := settingYAML(change.Was)
		if err != nil {
			return err
		}
		after, err := settingYAML(change.Is)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\n", change.Title())
		printLines(w, before, after)
	}
	for _, change := range plan.Changes {
		before, err := asYAML(change.Was)
		if err != nil {
			return err
		}
		after, err := asYAML(change.Is)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\n", change.Name())
		printLines(w, before, after)
	}
	return nil
}

// settingYAML is a setting as a file would hold it; nil is none.
func settingYAML(x wire.Setting) (string, error) {
	if x == nil {
		return "", nil
	}
	var b bytes.Buffer
	err := output.YAML(&b, settingForm(x))
	return console.PrintableText(b.String()), err
}

// asYAML is a monitor as a file would hold it, with everything filled in; nil is none.
func asYAML(saved *wire.Saved) (string, error) {
	if saved == nil {
		return "", nil
	}
	m := *saved
	m.Monitor = m.Monitor.WithDefaults()
	if m.Agents == nil {
		m.Agents = wire.Selectors{wire.Everywhere}
	}
	var b bytes.Buffer
	err := output.YAML(&b, entryOf(m))
	return console.PrintableText(b.String()), err
}

// printLines writes the lines that one text has and the other has not. Monitors
// are short and their fields come in one order, so that lines alone suffice.
func printLines(w io.Writer, before, after string) {
	count := map[string]int{}
	for line := range strings.Lines(after) {
		count[line]++
	}
	for line := range strings.Lines(before) {
		if count[line]--; count[line] < 0 {
			fmt.Fprintf(w, "  - %s", line)
		}
	}
	count = map[string]int{}
	for line := range strings.Lines(before) {
		count[line]++
	}
	for line := range strings.Lines(after) {
		if count[line]--; count[line] < 0 {
			fmt.Fprintf(w, "  + %s", line)
		}
	}
}
