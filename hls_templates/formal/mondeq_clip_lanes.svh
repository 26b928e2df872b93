  // Each lane is the prox, or its reflection, of its row's own kind: row group * Lanes + lane, of Latency cycles ago (and
  // no reset since).
  localparam int FBits = ((StateBits > WordBits) ? StateBits : WordBits) + 3;
  localparam bit [2*Rows*KindBits+2*Lanes*KindBits-1:0] FKinds = RowKinds;
  logic [(Latency+1)*GroupBits-1:0] f_groups;
  logic [Latency*GroupBits-1:0] f_groups_q;
  logic [Lanes-1:0] f_same;
  logic [7:0] f_age = '0;
  assign f_groups = {f_groups_q, group_i};
  always_ff @(posedge clk_i) begin
    f_groups_q <= f_groups[Latency*GroupBits-1:0];
    f_age <= !rst_ni ? '0 : (f_age == 8'(Latency)) ? f_age : f_age + 1'b1;
  end
  for (genvar i = 0; i < Lanes; i++) begin : f_lane
    logic [31:0] f_row, f_kind;
    logic signed [FBits-1:0] f_state, f_clipped, f_prox, f_word;
    assign f_row = 32'(f_groups[Latency*GroupBits+:GroupBits]) * Lanes + i;
    assign f_kind = 32'(FKinds[f_row*KindBits+:KindBits]);
    assign f_state = $signed(state_i[i*StateBits+:StateBits]);
    always_comb begin
      assume (state_i[i*StateBits+:StateBits] != {1'b1, {StateBits - 1{1'b0}}});
      if (f_row >= Rows) assume (f_state == 0);
      f_clipped = f_state;
      if (Below[f_kind] && f_state < $signed(Lowers[f_kind*StateBits+:StateBits])) f_clipped = $signed(Lowers[f_kind*StateBits+:StateBits]);
      if (Above[f_kind] && f_state > $signed(Uppers[f_kind*StateBits+:StateBits])) f_clipped = $signed(Uppers[f_kind*StateBits+:StateBits]);
      f_prox = Complements[f_kind] ? f_state - f_clipped : f_clipped;
      f_word = Reflect ? 2 * f_prox - f_state : f_prox;
      if (f_row >= Rows) f_word = '0;
    end
    assign f_same[i] = word_o[i*WordBits+:WordBits] == f_word[WordBits-1:0];
  end
  always_comb begin
    assume (32'(group_i) < Groups);
    if (f_age == 8'(Latency)) are_prox: assert (&f_same);
  end
