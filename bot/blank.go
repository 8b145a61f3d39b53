package bot

import "flowbot/service"

func (b *Bot) blankActions() []action { return nil }

// blankTalks are the conversations of this subject.
func blankTalks() []talk { return nil }

// blankNotices are the notices of this subject.
func (b *Bot) blankNotices() map[string]notice { return nil }

// blankExamRows are this subject's rows of buttons on an exam's card.
func (b *Bot) blankExamRows(_ *Turn, _ *service.ExamView) [][]Button { return nil }

// blankApplicationRows are this subject's rows of buttons on an application's card.
func (b *Bot) blankApplicationRows(_ *Turn, _ *service.ApplicationView) [][]Button { return nil }
