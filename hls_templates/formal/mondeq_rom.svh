  // The word of the last cycle's address; no word changes.
  (* anyconst *) logic [AddressBits-1:0] f_address;
  logic [Width-1:0] f_word_q;
  logic f_old = 1'b0;
  logic f_asked_q;
  always_ff @(posedge clk_i) begin
    f_word_q <= memory[f_address];
    f_asked_q <= address_i == f_address;
    f_old <= 1'b1;
  end
  always_comb if (f_old) begin
    read_only: assert (memory[f_address] == f_word_q);
    if (f_asked_q) is_word: assert (data_o == f_word_q);
  end
