package bot

import (
	"context"

	"flowbot/service"
)

func (b *Bot) examActions() []action { return nil }

// examTalks are the conversations about exams.
func examTalks() []talk { return nil }

// examCard shows an exam with what this person may do about it.
func (b *Bot) examCard(_ context.Context, _ *Turn, _ int64) (Reply, error) {
	return Reply{}, &service.Error{Kind: service.NotFound, Reason: service.ReasonNotFound}
}

// applicationCard shows an application with what this person may do about it.
func (b *Bot) applicationCard(_ context.Context, _ *Turn, _ int64) (Reply, error) {
	return Reply{}, &service.Error{Kind: service.NotFound, Reason: service.ReasonNotFound}
}

// chooseExam answers a deed that was named without its exam: does it in the only
// one of the filter, or lets choose. A number that was named narrows it.
func (b *Bot) chooseExam(_ context.Context, _ *Turn, _ service.ExamFilter, _ Action) (Reply, error) {
	return Reply{}, &service.Error{Kind: service.NotFound, Reason: service.ReasonNotFound}
}
