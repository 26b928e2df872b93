  // Of any one word of any bank: what was written last is read, in its lane, Latency cycles after its address.
  (* anyconst *) logic [BankBits-1:0] f_bank;
  (* anyconst *) logic [15:0] f_index;
  logic [15:0] f_write_group, f_write_lane, f_read_group, f_read_lane;
  logic f_written_q, f_read_q1, f_read_q2, f_padded_q1, f_padded_q2;
  logic [WordBits-1:0] f_word_q, f_word_q1, f_word_q2, f_stored;
  logic [2:0] f_age = '0;
  initial f_written_q = 1'b0;
  assign f_write_group = f_index / WriteWords;
  assign f_write_lane = f_index % WriteWords;
  assign f_read_group = f_index / ReadWords;
  assign f_read_lane = f_index % ReadWords;
  // With RegisterWrite all of a narrow write comes a cycle later, and so does what is known of it.
  localparam bit FLate = RegisterWrite && ReadWords >= WriteWords;
  logic f_write, f_write_q;
  logic [BankBits-1:0] f_write_bank, f_write_bank_q;
  logic [WriteGroupBits-1:0] f_group_written, f_group_q;
  logic [WriteBits-1:0] f_write_data, f_write_data_q;
  initial f_write_q = 1'b0;
  always_ff @(posedge clk_i) begin
    f_write_q <= write_i;
    f_write_bank_q <= write_bank_i;
    f_group_q <= write_group_i;
    f_write_data_q <= write_data_i;
  end
  assign f_write = FLate ? f_write_q : write_i;
  assign f_write_bank = FLate ? f_write_bank_q : write_bank_i;
  assign f_group_written = FLate ? f_group_q : write_group_i;
  assign f_write_data = FLate ? f_write_data_q : write_data_i;
  always_ff @(posedge clk_i) begin
    if (f_write && f_write_bank == f_bank && 16'(f_group_written) == f_write_group) begin
      f_written_q <= 1'b1;
      f_word_q <= f_write_data[f_write_lane*WordBits+:WordBits];
    end
    f_read_q1 <= f_written_q && bank == f_bank && 16'(group) == f_read_group;
    f_read_q2 <= f_read_q1;
    f_word_q1 <= f_word_q;
    f_word_q2 <= f_word_q1;
    f_padded_q1 <= group == ReadGroupBits'(ReadGroups - 1);
    f_padded_q2 <= f_padded_q1;
    if (f_age != 3'd4) f_age <= f_age + 1'b1;
  end
  always_comb begin
    assume (32'(f_index) < Words && 32'(f_bank) < Banks);
    assume (32'(write_bank_i) < Banks && 32'(write_group_i) < WriteGroups);
    assume (32'(read_bank_i) < Banks && 32'(read_group_i) < ReadGroups);
    if (f_written_q) stored: assert (f_stored == f_word_q);
    if (f_age == 3'd4 && f_read_q2) is_read: assert (read_data_o[f_read_lane*WordBits+:WordBits] == f_word_q2);
  end
  if (ReadGroups * ReadWords > Words) begin : f_mask
    always_comb if (f_age == 3'd4 && f_padded_q2) padded: assert (read_data_o[ReadBits-1:g_mask.LastWords*WordBits] == '0);
  end
  if (ReadWords % WriteWords == 0) begin : f_widen
    localparam int FChunks = ReadWords / WriteWords;
    logic [FChunks*WordBits-1:0] f_words;
    for (genvar c = 0; c < FChunks; c++) begin : f_chunk
      logic [WriteBits-1:0] f_group;
      assign f_group = g_widen.g_chunk[c].memory[{f_bank, ReadGroupBits'(f_write_group / FChunks)}];
      assign f_words[c*WordBits+:WordBits] = f_group[f_write_lane*WordBits+:WordBits];
    end
    assign f_stored = f_words[(f_write_group%FChunks)*WordBits+:WordBits];
    if (RegisterWrite) begin : f_late
      logic f_writes, f_own;
      assign f_writes = g_widen.write[f_write_group%FChunks] && (g_widen.write_bank == f_bank)
          && (g_widen.write_row == ReadGroupBits'(f_write_group / FChunks));
      assign f_own = f_write_q && (f_write_bank_q == f_bank) && (16'(f_group_q) == f_write_group);
      always_comb if (f_age != '0) begin
        late: assert (f_writes == f_own);
        if (f_own) late_data: assert (g_widen.write_data == f_write_data_q);
      end
    end
  end
  // The module's second and third form; genblk4 is Yosys' name of the chain they stand in.
  if (ReadWords % WriteWords != 0 && WriteWords % ReadWords == 0) begin : f_narrow
    logic [WriteBits-1:0] f_group;
    assign f_group = genblk4.g_narrow.memory[{f_bank, WriteGroupBits'(f_write_group)}];
    assign f_stored = f_group[f_write_lane*WordBits+:WordBits];
  end
  if (ReadWords % WriteWords != 0 && WriteWords % ReadWords != 0) begin : f_turned
    localparam int FLanes = (ReadWords > WriteWords) ? ReadWords : WriteWords;
    localparam int FRowBits = (ReadWords > WriteWords) ? ReadGroupBits : WriteGroupBits;
    logic [FLanes*WordBits-1:0] f_words;
    for (genvar c = 0; c < FLanes; c++) begin : f_lane
      assign f_words[c*WordBits+:WordBits] = genblk4.g_turned.g_lane[c].memory[{f_bank, FRowBits'(f_index / FLanes)}];
    end
    assign f_stored = f_words[(f_index%FLanes)*WordBits+:WordBits];
    if (FLate) begin : f_late
      logic f_writes, f_own;
      logic [WordBits-1:0] f_turned_word;
      assign f_writes = genblk4.g_turned.write[f_index%FLanes] && (genblk4.g_turned.write_bank == f_bank)
          && (genblk4.g_turned.write_row[(f_index%FLanes)*FRowBits+:FRowBits] == FRowBits'(f_index / FLanes));
      assign f_turned_word = genblk4.g_turned.to_write[(f_index%FLanes)*WordBits+:WordBits];
      assign f_own = f_write_q && (f_write_bank_q == f_bank) && (16'(f_group_q) == f_write_group);
      always_comb if (f_age != '0) begin
        late: assert (f_writes == f_own);
        if (f_own) late_data: assert (f_turned_word == f_write_data_q[f_write_lane*WordBits+:WordBits]);
      end
    end
  end
