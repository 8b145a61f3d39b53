package bot

import "flowbot/service"

func (b *Bot) certificateActions() []action { return nil }

// certificateTalks are the conversations of this subject.
func certificateTalks() []talk { return nil }

// certificateNotices are the notices of this subject.
func (b *Bot) certificateNotices() map[string]notice { return nil }

// certificateExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) certificateExamRows(_ *Turn, _ *service.ExamView) [][]Button { return nil }

// certificateApplicationRows are this subject's rows of buttons on an application's card.
func (b *Bot) certificateApplicationRows(_ *Turn, _ *service.ApplicationView) [][]Button { return nil }
