package console

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"netmon/internal/plural"
)

// Wordy is how many changes or answers are still listed one by one.
const Wordy = 50

// Head says in a few words what was done.
func (o Outcome) Head() string {
	same := len(o.Changes) == 0
	switch {
	case o.Verb == Add && same:
		return o.Monitor + " is saved already, with the same settings"
	case o.Verb == Add:
		return o.Monitor + " saved"
	case o.Verb == Edit && same:
		return o.Monitor + " is unchanged"
	case o.Verb == Edit:
		return o.Monitor + " changed"
	case o.Verb == Rollback && same:
		return fmt.Sprintf("%s is the same as revision %d already", o.Monitor, o.To)
	case o.Verb == Rollback:
		return fmt.Sprintf("%s is restored from revision %d: this is revision %d", o.Monitor, o.To, o.Changes[0].Is.Edition)
	case o.Verb == Rename:
		return fmt.Sprintf("%s is called %s now", o.From, o.Monitor)
	case o.Verb == Delete:
		return o.Monitor + " deleted"
	case o.Verb == Discard:
		return fmt.Sprintf("%s: stopping", plural.Count(o.Same, "unsaved monitor", "unsaved monitors"))
	case o.Verb == Stop && same && len(o.On) > 0:
		return fmt.Sprintf("%s does not run on %s: nothing is changed", o.Monitor, o.On)
	case o.Verb == Apply:
		all := func(did Did) int { return o.Count(did) + o.CountSettings(did) }
		text := fmt.Sprintf("%d added, %d changed, %d unchanged", all(Added), all(Changed), o.Same)
		if o.Pruned {
			text += fmt.Sprintf(", %d deleted", all(Deleted))
		}
		return text
	case same:
		return o.Monitor + " was already " + placed(o.Verb, o.On)
	}
	return o.Monitor + " " + placed(o.Verb, o.On)
}

// placed says what Start and Stop do, in the history too.
func placed(v Verb, on []string) string {
	word := map[Verb]string{Start: "started", Stop: "stopped"}[v]
	if len(on) > 0 {
		word += " on " + strings.Join(on, ",")
	}
	return word
}

// Lines writes what was done, and what each agent answered. Of more than [Wordy]
// answers those that are alike are counted.
func (o Outcome) Lines(w io.Writer) {
	fmt.Fprintln(w, o.Head())
	same := map[string]int{} // how often an agent gave the same answer
	var order []string
	for _, t := range o.Acks {
		if len(o.Acks) <= Wordy {
			fmt.Fprintf(w, "  %-12s %s %s\n", t.Agent, Printable(t.Monitor), Printable(t.Text))
			continue
		}
		line := fmt.Sprintf("%s\x00%s", t.Agent, Printable(t.Text))
		if same[line]++; same[line] == 1 {
			order = append(order, line)
		}
	}
	slices.Sort(order)
	for _, line := range order {
		agent, text, _ := strings.Cut(line, "\x00")
		fmt.Fprintf(w, "  %-12s %s %s\n", agent, plural.Count(same[line], "monitor", "monitors"), text)
	}
	for _, text := range o.Warnings[:min(len(o.Warnings), Wordy)] {
		fmt.Fprintf(w, "  WARNING: %s\n", Printable(text))
	}
	if more := len(o.Warnings) - Wordy; more > 0 {
		fmt.Fprintf(w, "  WARNING: and %d more of these\n", more)
	}
	switch {
	case !o.Asked || len(o.Acks) > 0:
	case o.Agents == 0:
		fmt.Fprintln(w, "  no agent has joined yet: netmon agent --broker URL --id NAME")
	default:
		fmt.Fprintln(w, "  no agent runs it")
	}
}

// shortList is how many answers fit into one line.
const shortList = 4

// Line is Lines in a single line, for one monitor.
func (o Outcome) Line() string {
	text := o.Head()
	for _, warning := range o.Warnings {
		text += "; WARNING: " + warning
	}
	switch n := len(o.Acks); {
	case !o.Asked:
		return text
	case n == 0:
		return text + "; no agent runs it"
	case n > shortList:
		return text + fmt.Sprintf(": %s answered, %d refused", plural.Count(n, "agent", "agents"), o.Refused())
	}
	var parts []string
	for _, t := range o.Acks {
		parts = append(parts, t.Agent+" "+t.Text)
	}
	return text + ": " + strings.Join(parts, ", ")
}
