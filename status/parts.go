package status

// What the templates of parts get: the page, and the one thing that it is about.
type (
	itemView struct {
		*pageView
		Service *Service
	}
	storyView struct {
		*pageView
		Incident Incident
	}
	planView struct {
		*pageView
		Occurrence Occurrence
	}
)

func (v *pageView) Of(s Service) itemView      { return itemView{v, &s} }
func (v *pageView) Story(x Incident) storyView { return storyView{v, x} }
func (v *pageView) Plan(o Occurrence) planView { return planView{v, o} }
