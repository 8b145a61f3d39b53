package bot

import "flowbot/service"

func (b *Bot) candidateActions() []action { return nil }

// candidateTalks are the conversations of this subject.
func candidateTalks() []talk { return nil }

// candidateNotices are the notices of this subject.
func (b *Bot) candidateNotices() map[string]notice { return nil }

// candidateExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) candidateExamRows(_ *Turn, _ *service.ExamView) [][]Button { return nil }

// candidateApplicationRows are this subject's rows of buttons on an application's card.
func (b *Bot) candidateApplicationRows(_ *Turn, _ *service.ApplicationView) [][]Button { return nil }
