package wire

import "testing"

func TestNearest(t *testing.T) {
	words := []string{"monitors", "monitor", "agents", "every", "except", "target", "timeout", "tcp", "http", "https", "icmp"}
	for word, want := range map[string]string{
		"evry": "every", "evrey": "every", "timout": "timeout", "tagret": "target", "htp": "http", "htps": "https", "tpc": "tcp",
		"agent": "agents", "monitros": "monitors", "EVERY": "every", "mon": "", "exc": "except",
		"": "", "x": "", "banana": "", "to": "", "completely": "",
	} {
		if got := Nearest(word, words); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", word, got, want)
		}
	}
	if got := DidYouMean("evry", words); got != ": did you mean every?" {
		t.Error(got)
	}
	if got := DidYouMean("every", words); got != "" {
		t.Errorf("a word that is right: %q", got)
	}
}
