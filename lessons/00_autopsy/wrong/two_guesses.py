# golden: prediction 7 is not there yet: guess a, b or c; a wrong guess costs nothing
"""A letter that is not offered."""

# 1. ana sends `oi` and, at once, `tudo bem?`. What does bia read?
#    a  `ana: oi`, then `ana: tudo bem?`
#    b  `ana: oitudo bem?`
#    c  `ana: oi`, and the rest is lost
prediction_1 = "b"

# 2. caio's client sends his name and, at once, his first words, `oi`. What does bia read?
#    a  `caio entered`, and `oi` is lost
#    b  `caio entered`, then `caio: oi`
#    c  `caiooi entered`
prediction_2 = "c"

# 3. ana sends `café`. The two bytes of the `é` arrive one after the other. What happens?
#    a  ana is thrown out of the chat
#    b  bia reads `ana: caf`, then `ana: é`
#    c  bia reads `ana: café`
prediction_3 = "a"

# 4. ana types `sair`, and her client closes the connection. What does her thread at the server do?
#    a  it ends
#    b  it waits in recv() for five minutes, then it ends
#    c  it calls recv() again and again, as fast as it can
prediction_4 = "c"

# 5. ana's computer stops reading, and bia says very much. Then dora asks a question. What does caio read?
#    a  the question, as always
#    b  nothing of it: dora's thread waits for ana's computer
#    c  the question, after ana was thrown out
prediction_5 = "b"

# 6. The server's process ends. What does ana's client print?
#    a  an error, and then it ends
#    b  nothing: it waits
#    c  blank lines, for ever
prediction_6 = "c"

# 7. ana is connected. Somebody types `sair` at the server. When does the server's process end?
#    a  at once
#    b  not at all: some of its threads still wait
#    c  when ana has left
prediction_7 = "b or c"

# 8. ana's computer stops reading. Somebody types 16 MB at the server; then it reads again. What comes?
#    a  all of the 16 MB
#    b  the beginning of the 16 MB, and then what was said next
#    c  nothing: ana was thrown out
prediction_8 = "b"
