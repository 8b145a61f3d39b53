package bot

import "flowbot/service"

func (b *Bot) centerActions() []action { return nil }

// centerTalks are the conversations of this subject.
func centerTalks() []talk { return nil }

// centerNotices are the notices of this subject.
func (b *Bot) centerNotices() map[string]notice { return nil }

// centerExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) centerExamRows(_ *Turn, _ *service.ExamView) [][]Button { return nil }

// centerApplicationRows are this subject's rows of buttons on an application's card.
func (b *Bot) centerApplicationRows(_ *Turn, _ *service.ApplicationView) [][]Button { return nil }
