module real

go 1.19
