package bot

import "flowbot/service"

func (b *Bot) resultActions() []action { return nil }

// resultTalks are the conversations of this subject.
func resultTalks() []talk { return nil }

// resultNotices are the notices of this subject.
func (b *Bot) resultNotices() map[string]notice { return nil }

// resultExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) resultExamRows(_ *Turn, _ *service.ExamView) [][]Button { return nil }

// resultApplicationRows are this subject's rows of buttons on an application's card.
func (b *Bot) resultApplicationRows(_ *Turn, _ *service.ApplicationView) [][]Button { return nil }
