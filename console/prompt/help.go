package prompt

import (
	"slices"
	"strings"
)

// helpText is what `?` prints: the words by topic, and the keys.
func helpText(list []Command, width int) []string {
	out := []string{"Type a command of netmon. `? start` explains start, `? TOPIC` lists a topic's commands.", ""}
	topics := topicsOf(list)
	wide := 0
	for _, t := range topics {
		wide = max(wide, len(t))
	}
	for _, topic := range topics {
		var names []string
		for _, c := range list {
			if c.Topic == topic {
				names = append(names, c.Names[0])
			}
		}
		out = append(out, hanging("  "+padded(topic, wide)+"  ", strings.Join(names, " "), width)...)
	}
	out = append(out, "")
	for _, row := range [][2]string{
		{"add", "asks for a new monitor step by step"},
		{"start web on paris", "on, from, except, every, to, for: words for the flags"},
		{"results off", "chooses what streams: on, failures, changes, off"},
		{"quit", "leaves; `netmon up` ends with it"},
		{"Tab, Tab Tab", "complete a word, list all that fits"},
		{"Up, Ctrl-R", "go back in the history, search it"},
		{"Ctrl-C, Ctrl-T, Ctrl-L", "stop a command, open the live screen, clear the terminal"},
	} {
		out = append(out, hanging("  "+padded(row[0], 22)+"  ", row[1], width)...)
	}
	return out
}

// topicHelp lists the commands of one topic; it is nil where there is no such topic.
func topicHelp(list []Command, topic string, width int) []string {
	var out []string
	for _, c := range list {
		if c.Topic == topic {
			out = append(out, hanging("  "+padded(c.Names[0], 12)+"  ", c.Usage, width)...)
		}
	}
	return out
}

func topicsOf(list []Command) []string {
	var topics []string
	for _, c := range list {
		if c.Topic != "" && !slices.Contains(topics, c.Topic) {
			topics = append(topics, c.Topic)
		}
	}
	return topics
}
