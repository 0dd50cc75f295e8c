package status

import "time"

// Page is all that is public, at one moment. Whatever renders it has nothing else.
type Page struct {
	Title string
	URL   string    // "" where it is not known
	At    time.Time // UTC
	ID    string

	Headline string
	State    State     // the worst of the services; Unknown where nothing is wrong and something is not known
	Blind    bool      // nothing is known of now
	Since    time.Time // of Blind; zero where that is not known

	Sections    []Section
	Services    int
	More        int // chosen, and not shown: there are too many
	Incidents   []Incident
	Maintenance []Occurrence
	Past        bool // history was read: the days say something
	Read        bool // incidents were read: that there is none says something
}

// Section is the services under one heading.
type Section struct {
	ID, Heading string // "" of those that have none
	Services    []Service
}

// Service is one line of the page.
type Service struct {
	ID, Slug, Name string
	Heading        string
	State          State
	Since          time.Time // of State; zero where that is not known
	Reason         string    // why it is wrong, in plain words
	Notes          []string  // what the owner chose to show
	Days           [Days]Day // the oldest first; the last one is today
	Uptime         *float64  // of the days, 0 to 1; nil where nothing is known
}

// Day is one day, UTC, of a service.
type Day struct {
	Date      time.Time
	State     State // the worst of it; Unknown: no data, or too little
	Uptime    *float64
	Down      time.Duration
	Disturbed time.Duration
	Unknown   time.Duration // nothing is known, though it was there
	Planned   time.Duration // maintenance
}

// Incident is a time in which something was wrong.
type Incident struct {
	ID       string
	Title    string
	State    State // the worst
	Began    time.Time
	Ended    time.Time // zero while it is not over
	Services []Ref
	Updates  []Update // the oldest first
}

// Ref is a service that an incident or a maintenance is about.
type Ref struct{ ID, Slug, Name string }

// Update is what happened.
type Update struct {
	At   time.Time
	Text string
	Over bool // it is the last one, and all is well
}

// Changed is when the newest of it happened.
func (x Incident) Changed() time.Time { return x.Updates[len(x.Updates)-1].At }

// Open says that it is not over.
func (x Incident) Open() bool { return x.Ended.IsZero() }

// Occurrence is one time of planned maintenance.
type Occurrence struct {
	ID, Name string
	From, To time.Time
	Services []Ref
}

// Phase is scheduled, in_progress or completed.
func (o Occurrence) Phase(at time.Time) string {
	switch {
	case at.Before(o.From):
		return "scheduled"
	case at.Before(o.To):
		return "in_progress"
	}
	return "completed"
}
