module compile

go 1.22
