package wire

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Setting is something that is saved in the bucket [AlertingBucket] beside the
// monitors: a Channel, a NoticeRule, a Window, a Group, a Silence or an Acknowledgement.
// Each is under a key of its own, SORT.NAME, with its history, as monitors are.
type Setting interface {
	Sort() Sort
	SettingName() string // a token
	Validate() error
	About() *Saving // who saved it
}

// Sort is what a setting is.
type Sort string

const (
	SortChannel Sort = "channel"
	SortRule    Sort = "rule"
	SortWindow  Sort = "window"
	SortGroup   Sort = "group"
	SortSilence Sort = "silence"
	SortAck     Sort = "ack"
)

// Sorts is the closed set. The first four are in files, the others are made by commands.
var Sorts = []Sort{SortChannel, SortRule, SortWindow, SortGroup, SortSilence, SortAck}

// Saving is who saved a setting.
type Saving struct {
	Revision uint64 `json:"revision,omitempty"` // of the key, which orders the changes of all settings; not stored
	Edition  uint64 `json:"edition,omitempty"`  // counts those of this one, 1 is the first; stored as [EditionHeader], 0 is not known
	Author   string `json:"author,omitempty"`   // user@host of the console that wrote this revision, or who signed it
	Change   string `json:"change,omitempty"`   // what that console did, in words
}

// check says what of it cannot be kept.
func (s *Saving) check() error {
	var p Problems
	if len(s.Author) > MaxAuthor {
		p.Addf("author", "is %d bytes long: want at most %d", len(s.Author), MaxAuthor)
	}
	if len(s.Change) > MaxText {
		p.Addf("change", "is %d bytes long: want at most %d", len(s.Change), MaxText)
	}
	return p.Err()
}

// About implements [Setting].
func (s *Saving) About() *Saving { return s }

// SettingKey is the key of a setting in its bucket.
func SettingKey(sort Sort, name string) (string, error) {
	if !slices.Contains(Sorts, sort) {
		return "", fmt.Errorf("sort: want one of %v, got %q", Sorts, sort)
	}
	return one(string(sort)+".", string(sort)+" name", name)
}

// ParseSettingKey is the other way.
func ParseSettingKey(key string) (Sort, string, error) {
	sort, name, _ := strings.Cut(key, ".")
	_, err := SettingKey(Sort(sort), name)
	return Sort(sort), name, err
}

// NewSetting is an empty setting of a sort.
func NewSetting(sort Sort) (Setting, error) {
	switch sort {
	case SortChannel:
		return &Channel{}, nil
	case SortRule:
		return &NoticeRule{}, nil
	case SortWindow:
		return &Window{}, nil
	case SortGroup:
		return &Group{}, nil
	case SortSilence:
		return &Silence{}, nil
	case SortAck:
		return &Acknowledgement{}, nil
	}
	return nil, fmt.Errorf("sort: want one of %v, got %q", Sorts, sort)
}

// DecodeSetting reads what is stored under a key of the bucket; revision is its.
func DecodeSetting(key string, data []byte, revision uint64) (Setting, error) {
	sort, name, err := ParseSettingKey(key)
	if err != nil {
		return nil, fmt.Errorf("decode setting %q: %w", Clip(key, 2*MaxToken), err)
	}
	s, err := NewSetting(sort)
	if err == nil {
		err = tooLong("it", data, MaxSaved)
	}
	if err == nil {
		err = json.Unmarshal(data, s)
	}
	if err == nil {
		err = s.Validate()
	}
	if err == nil && s.SettingName() != name {
		err = fmt.Errorf("it is named %q", Clip(s.SettingName(), MaxToken))
	}
	if err != nil {
		return nil, fmt.Errorf("decode %s %s: %w", sort, name, err)
	}
	s.About().Revision = revision
	return s, nil
}

// Bounds of settings, and of incidents.
const (
	MaxNoticeTime  = Duration(30 * 24 * time.Hour)
	MaxEscalations = 10        // steps of a rule
	MaxTags        = 32        // of a monitor
	MaxGroup       = 1000      // monitors of a group
	MaxSettings    = 10_000    // saved
	MaxIncident    = 900 << 10 // bytes
	MaxMembers     = 1000      // of an incident that are listed
	MemberMark     = 6         // bytes of the mark of one that is not
	MaxRest        = 30_000    // marks of an incident
	MaxLog         = 200       // entries of an incident
	MaxChannels    = 100       // that an incident is sent to
)

func checkNames(field string, list []string) error {
	var p Problems
	if len(list) > MaxSelector {
		p.Addf(field, "has %d entries: want at most %d", len(list), MaxSelector)
		return p.Err()
	}
	for i, name := range list {
		at := fmt.Sprintf("%s[%d]", field, i)
		p.Add(at, CheckToken(name))
		if slices.Contains(list[:i], name) {
			p.Addf(at, "%q is listed twice", name)
		}
	}
	return p.Err()
}
